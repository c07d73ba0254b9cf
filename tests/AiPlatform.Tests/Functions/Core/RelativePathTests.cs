using AiPlatform.Contracts;
using AiPlatform.Kernel.Blobs;

namespace AiPlatform.Tests.Functions.Core;

public sealed class RelativePathTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("train/images/0001.png")]
    [InlineData("训练/数据 1.csv")]
    [InlineData("..a/b..c/.hidden")]
    [InlineData("a-b_c+d=e@f(1).txt")]
    [InlineData("100%.png")]
    [InlineData("50%25.txt")]
    [InlineData("a%20b")]
    [InlineData("a:b")]
    [InlineData("12:30:05.log")]
    [InlineData("a/b.")]
    [InlineData("what?.txt")]
    [InlineData("\"quoted\" <b> *|#&;'.txt")]
    [InlineData("e\u0301")]
    [InlineData("file...")]
    [InlineData("😀.png")]
    public void A_plain_relative_path_is_fine(string path) => Assert.Null(RelativePath.Problem(path));

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("a/./b")]
    [InlineData("a/%2e%2e/b")]
    [InlineData("a\\b")]
    [InlineData("C:/a")]
    [InlineData("a\u0000b")]
    [InlineData("a\nb")]
    [InlineData("a\u202eb")]
    [InlineData("a\ud800b")]
    [InlineData("a /b")]
    [InlineData("...")]
    [InlineData("a/ b")]
    [InlineData("%2e%2e/x")]
    [InlineData("..%2fx")]
    [InlineData("a%2fb")]
    [InlineData("%252e%252e/x")]
    [InlineData("a%5cb")]
    [InlineData("a%00b")]
    [InlineData("\udc00")]
    public void A_path_that_could_mean_another_place_is_refused(string path) => Assert.NotNull(RelativePath.Problem(path));

    [Fact]
    public void Names_are_kept_in_normal_form_C_and_case_matters()
    {
        Assert.Equal("\u00e9.txt", FilePath.Normal("e\u0301.txt"));
        Assert.NotEqual(FilePath.Normal("A.txt"), FilePath.Normal("a.txt"));
        Assert.Equal("a\ud800b", FilePath.Normal("a\ud800b"));
    }

    [Fact]
    public void The_limit_counts_bytes()
    {
        Assert.Null(RelativePath.Problem(new string('a', RelativePath.MaxBytes)));
        Assert.NotNull(RelativePath.Problem(new string('a', RelativePath.MaxBytes + 1)));
        Assert.NotNull(RelativePath.Problem(new string('数', RelativePath.MaxBytes / 2)));
    }
}
