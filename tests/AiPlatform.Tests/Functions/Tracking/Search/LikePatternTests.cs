using AiPlatform.Tracking.Search.Index;

namespace AiPlatform.Tests.Functions.Tracking.Search;

public sealed class LikePatternTests
{
    [Theory]
    [InlineData("", "", true)]
    [InlineData("a", "", false)]
    [InlineData("", "%", true)]
    [InlineData("abc", "a%c", true)]
    [InlineData("abcbc", "a%bc", true)]
    [InlineData("abcbd", "a%bc", false)]
    [InlineData("aXbXc", "%X%X%", true)]
    [InlineData("aXb", "%X%X%", false)]
    [InlineData("a_b", "a_b", true)]
    [InlineData("a%b", "a%b", true)]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "%a%a%a%a%a%a%a%ac", false)]
    [InlineData("😀b", "_b", true)]
    [InlineData("😀", "__", false)]
    [InlineData("模型", "模_", true)]
    [InlineData("A", "a", false)]
    public void Matches_as_PostgreSQL_does(string text, string pattern, bool expected) => Assert.Equal(expected, new LikePattern(pattern, ignoresCase: false).Matches(text));

    [Theory]
    [InlineData("ResNet-50", "resnet%", true)]
    [InlineData("ÄÖ", "äö", true)]
    [InlineData("a", "B", false)]
    public void Ignores_case_when_asked(string text, string pattern, bool expected) => Assert.Equal(expected, new LikePattern(pattern, ignoresCase: true).Matches(text));
}
