using System.Net.Http.Headers;
using AiPlatform.Kernel.Http;

namespace AiPlatform.Tests.Functions.Core;

public sealed class FileNameHeaderTests
{
    [Theory]
    [InlineData("report.csv", "report.csv")]
    [InlineData("a/b/数据 (1).csv", "数据 (1).csv")]
    [InlineData("Müller & Söhne.pdf", "Müller & Söhne.pdf")]
    [InlineData("100%.png", "100%.png")]
    [InlineData("a\"b;c.txt", "a\"b;c.txt")]
    [InlineData("😀.png", "😀.png")]
    public void A_download_keeps_its_name_in_any_script(string path, string name)
    {
        var text = FileNameHeader.Attachment(path);
        Assert.DoesNotContain(text, static c => c is < ' ' or > '~');
        var header = ContentDispositionHeaderValue.Parse(text);
        Assert.Equal("attachment", header.DispositionType);
        Assert.Equal(name, header.FileNameStar);
        Assert.NotEmpty(header.FileName!);
    }
}
