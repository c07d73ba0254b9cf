using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Tests.Functions.Data;

public sealed class RelativePathTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("train/images/0001.png")]
    [InlineData("训练/数据 1.csv")]
    [InlineData("..a/b..c/.hidden")]
    [InlineData("a-b_c+d=e@f(1).txt")]
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
    [InlineData("a/b.")]
    [InlineData("a /b")]
    [InlineData("e\u0301")]
    [InlineData("what?")]
    public void A_path_that_could_mean_another_place_is_refused(string path) => Assert.NotNull(RelativePath.Problem(path));

    [Fact]
    public void The_limit_counts_bytes()
    {
        Assert.Null(RelativePath.Problem(new string('a', RelativePath.MaxBytes)));
        Assert.NotNull(RelativePath.Problem(new string('a', RelativePath.MaxBytes + 1)));
        Assert.NotNull(RelativePath.Problem(new string('数', RelativePath.MaxBytes / 2)));
    }
}
