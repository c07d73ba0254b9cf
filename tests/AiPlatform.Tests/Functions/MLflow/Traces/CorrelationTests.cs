using AiPlatform.MLflow.Traces;
using CsCheck;

namespace AiPlatform.Tests.Functions.MLflow.Traces;

public sealed class CorrelationTests
{
    [Theory]
    [InlineData(5, 5, 5, 5, 1)]
    [InlineData(5, 5, 5, 50, 1)]
    [InlineData(0, 5, 5, 10, -1)]
    [InlineData(25, 50, 50, 100, 0)]
    public void Known_tables_have_known_values(long joint, long first, long second, long total, double expected)
        => Assert.Equal(expected, Correlation.Npmi(joint, first, second, total, smoothing: 0), 1e-12);

    [Theory]
    [InlineData(0, 0, 5, 10)]
    [InlineData(0, 5, 0, 10)]
    [InlineData(0, 0, 0, 0)]
    public void What_never_happens_correlates_with_nothing(long joint, long first, long second, long total)
        => Assert.True(double.IsNaN(Correlation.Npmi(joint, first, second, total, smoothing: 0)));

    [Fact]
    public void Any_table_agrees_with_the_definition()
        => Gen.Select(Gen.Int[1, 1_000], Gen.Int[0, 1_000], Gen.Int[0, 1_000], Gen.Int[1, 1_000], Gen.Int[0, 1].Select(static i => i * Correlation.Jeffreys)).Sample(static (both, a, b, neither, smoothing) =>
        {
            // From probabilities of the four cells.
            double total = both + a + b + neither + (4 * smoothing);
            double p = (both + smoothing) / total, x = (both + a + (2 * smoothing)) / total, y = (both + b + (2 * smoothing)) / total;
            var expected = Math.Log(p / (x * y)) / -Math.Log(p);
            Assert.Equal(expected, Correlation.Npmi(both, both + a, both + b, both + a + b + neither, smoothing), 1e-9);
        });
}
