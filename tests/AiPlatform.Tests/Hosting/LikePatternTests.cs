using AiPlatform.Hosting;

namespace AiPlatform.Tests.Hosting;

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

    [Theory]
    [InlineData("100%", "100!%", true)]
    [InlineData("1000", "100!%", false)]
    [InlineData("a_b", "a!_b", true)]
    [InlineData("axb", "a!_b", false)]
    [InlineData("a!b", "a!!b", true)]
    [InlineData("%%", "!%%", true)]
    public void An_escaped_character_stands_for_itself(string text, string pattern, bool expected)
        => Assert.Equal(expected, new LikePattern(pattern, escape: '!').Matches(text));

    [Fact]
    public void A_pattern_must_not_end_with_its_escape() => Assert.Throws<FormatException>(() => new LikePattern("a!", escape: '!'));

    [Fact]
    public void Half_a_character_is_one_character() => Assert.True(new LikePattern("a_b").Matches("a\ud83db"));
}
