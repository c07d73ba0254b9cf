using System.Reflection;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Texts;
using AiPlatform.Local.Servers;

namespace AiPlatform.Tests.Functions.Core;

[Trait("Area", "All")]
public sealed class ErrorCatalogTests
{
    public static TheoryData<string> Codes()
        => [.. typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(static field => (string)field.GetRawConstantValue()!)];

    [Fact]
    public void Both_languages_have_the_same_keys()
        => Assert.Equal(TextCatalog.Keys(chinese: false).Order(StringComparer.Ordinal), TextCatalog.Keys(chinese: true).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Codes))]
    public void Every_code_has_a_status_and_a_title_in_both_languages(string code)
    {
        Assert.Contains(code, ErrorCatalog.Codes);
        Assert.NotEqual(code, ErrorCatalog.Title(code, chinese: false));
        Assert.NotEqual(code, ErrorCatalog.Title(code, chinese: true));
        Assert.NotEqual(ErrorCatalog.Title(code, chinese: false), ErrorCatalog.Title(code, chinese: true));
    }

    [Fact]
    public void Every_reason_in_the_source_has_a_text()
    {
        var source = Directory.EnumerateFiles(Path.Combine(RepositoryFolders.Root, "functions"), "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Contains("/obj/", StringComparison.Ordinal))
            .Select(File.ReadAllText);
        var reasons = source.SelectMany(static text => System.Text.RegularExpressions.Regex.Matches(
            text, "ApiException\\.Invalid\\(\\s*[^,]+,\\s*\"(?<reason>[A-Za-z0-9]+)\"", System.Text.RegularExpressions.RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5))).Select(static match => match.Groups["reason"].Value).Distinct().ToList();
        Assert.NotEmpty(reasons);
        Assert.All(reasons, static reason => Assert.Contains($"reason.{reason}", TextCatalog.Keys(chinese: false)));
    }

    [Fact]
    public void Placeholders_are_the_same_in_both_languages()
    {
        foreach (var key in TextCatalog.Keys(chinese: false).Where(static key => key.EndsWith(".detail", StringComparison.Ordinal)))
        {
            var code = key[..^".detail".Length];
            var english = ErrorCatalog.Detail(code, ["#0", "#1", "#2"], chinese: false);
            var chinese = ErrorCatalog.Detail(code, ["#0", "#1", "#2"], chinese: true);
            Assert.NotNull(chinese);
            foreach (var mark in (string[])["#0", "#1", "#2"])
            {
                Assert.True(english!.Contains(mark, StringComparison.Ordinal) == chinese.Contains(mark, StringComparison.Ordinal), $"{key}: {mark}");
            }
        }
    }

    [Theory]
    [InlineData("not_found", "project", "x", "There is no project \"x\".")]
    public void Details_are_filled_in(string code, string first, string second, string text)
        => Assert.Equal(text, ErrorCatalog.Detail(code, [first, second], chinese: false));
}
