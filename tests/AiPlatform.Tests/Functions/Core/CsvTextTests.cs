using AiPlatform.Kernel.Http;

namespace AiPlatform.Tests.Functions.Core;

public sealed class CsvTextTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("=1+1", "'=1+1")]
    [InlineData("@SUM(A1)", "'@SUM(A1)")]
    [InlineData("+cmd", "'+cmd")]
    [InlineData("-2+3", "'-2+3")]
    [InlineData("  =1", "'  =1")]
    [InlineData("\t=1", "\"'\t=1\"")]
    [InlineData("\r=1", "\"'\r=1\"")]
    [InlineData("＝1", "'＝1")]
    [InlineData("-5", "-5")]
    [InlineData("+1.5e-3", "+1.5e-3")]
    [InlineData("a=b", "a=b")]
    [InlineData("=A1,\"x\"", "\"'=A1,\"\"x\"\"\"")]
    [InlineData("", "")]
    public void A_formula_is_written_as_text(string text, string cell) => Assert.Equal(cell, CsvText.Cell(text, keepFormulas: false));

    [Theory]
    [InlineData("=1+1", "=1+1")]
    [InlineData("=A1,2", "\"=A1,2\"")]
    public void A_formula_stays_where_it_is_wanted(string text, string cell) => Assert.Equal(cell, CsvText.Cell(text, keepFormulas: true));
}
