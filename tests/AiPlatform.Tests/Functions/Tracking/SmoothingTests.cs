using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Errors;
using AiPlatform.Tracking.Metrics;
using CsCheck;

namespace AiPlatform.Tests.Functions.Tracking;

public sealed class SmoothingTests
{
    private static readonly Gen<double> Value = Gen.Frequency((6, Gen.Double[-1e6, 1e6]), (1, Gen.Const(double.NaN)), (1, Gen.Const(double.PositiveInfinity)));

    private static readonly Gen<Smoothing> Any = Gen.OneOf(
        Gen.Double[0, 0.9999].Select(past => new Smoothing(SmoothingKind.Exponential, past)),
        Gen.Int[1, 40].Select(window => new Smoothing(SmoothingKind.MovingAverage, window)),
        Gen.Double[0, 12].Select(deviation => new Smoothing(SmoothingKind.Gaussian, deviation)));

    [Fact]
    public void A_constant_stays_the_constant_from_the_first_point_on()
        => Gen.Select(Any, Gen.Double[-1e6, 1e6], Gen.Int[1, 200]).Sample((smoothing, constant, count) =>
            Assert.All(All(smoothing, Enumerable.Repeat(constant, count)), value => Assert.Equal(constant, value!.Value, Math.Abs(constant) * 1e-9 + 1e-9)));

    [Fact]
    public void Every_kind_is_a_weighted_mean_of_finite_values_and_so_never_leaves_their_range()
        => Gen.Select(Any, Value.Array[1, 120]).Sample((smoothing, values) =>
        {
            var finite = values.Where(double.IsFinite).ToList();
            foreach (var value in All(smoothing, values))
            {
                if (value is { } smoothed)
                {
                    Assert.InRange(smoothed, finite.Min() - 1e-3, finite.Max() + 1e-3);
                }
            }
        });

    [Fact]
    public void Every_kind_is_linear()
        => Gen.Select(Any, Gen.Double[-1e3, 1e3].Array[1, 80], Gen.Double[-10, 10], Gen.Double[-100, 100]).Sample((smoothing, values, factor, shift) =>
        {
            var plain = All(smoothing, values);
            var moved = All(smoothing, values.Select(value => (value * factor) + shift));
            Assert.All(plain.Zip(moved), pair => Assert.Equal((pair.First!.Value * factor) + shift, pair.Second!.Value, 1e-6));
        });

    [Fact]
    public void The_exponential_average_is_the_one_of_its_definition()
        => Gen.Select(Gen.Double[0, 0.99], Value.Array[1, 60]).Sample((past, values) =>
        {
            var smoothed = All(new Smoothing(SmoothingKind.Exponential, past), values);
            for (var i = 0; i < values.Length; i++)
            {
                // The k-th finite value before this one weighs past^k; the weights are scaled to one.
                var before = values[..(i + 1)].Where(double.IsFinite).Reverse().ToList();
                var weights = before.Index().Sum(pair => Math.Pow(past, pair.Index));
                var expected = before.Count == 0 ? (double?)null : before.Index().Sum(pair => Math.Pow(past, pair.Index) * pair.Item) / weights;
                Assert.Equal(expected is null, smoothed[i] is null);
                Assert.Equal(expected ?? 0, smoothed[i] ?? 0, 1e-4);
            }
        });

    [Fact]
    public void A_window_of_one_changes_nothing_and_one_over_everything_is_the_mean()
        => Gen.Double[-1e3, 1e3].Array[1, 50].Sample(values =>
        {
            Assert.Equal(values.Select(value => (double?)value), All(new Smoothing(SmoothingKind.MovingAverage, 1), values));
            Assert.Equal(values.Select(value => (double?)value), All(new Smoothing(SmoothingKind.Gaussian, 0), values));
            Assert.All(All(new Smoothing(SmoothingKind.MovingAverage, 2 * values.Length), values), value => Assert.Equal(values.Average(), value!.Value, 1e-6));
        });

    [Fact]
    public void Windows_have_no_direction()
        => Gen.Select(Gen.OneOf(Gen.Int[0, 20].Select(half => new Smoothing(SmoothingKind.MovingAverage, (2 * half) + 1)), Gen.Double[0, 12].Select(d => new Smoothing(SmoothingKind.Gaussian, d))), Value.Array[1, 80])
            .Sample((smoothing, values) => Assert.All(
                All(smoothing, values).Zip(All(smoothing, values.Reverse()).Reverse()), pair => Assert.Equal(pair.First ?? 0, pair.Second ?? 0, 1e-6)));

    [Fact]
    public void Only_the_asked_places_are_worked_out_and_they_are_those_of_the_whole_curve()
        => Gen.Select(Any, Value.Array[1, 100], Gen.Int[1, 20]).Sample((smoothing, values, every) =>
        {
            var points = Points(values);
            var places = Enumerable.Range(0, values.Length).Where(i => i % every == 0).ToArray();
            Assert.Equal(places.Select(place => All(smoothing, values)[place]), smoothing.At(points, places));
        });

    [Theory]
    [InlineData(null, SmoothingKind.Gaussian)]
    [InlineData(1.0, null)]
    [InlineData(-0.1, SmoothingKind.Exponential)]
    [InlineData(0.0, SmoothingKind.MovingAverage)]
    [InlineData(2.5, SmoothingKind.MovingAverage)]
    [InlineData(1001.0, SmoothingKind.Gaussian)]
    [InlineData(double.NaN, SmoothingKind.Gaussian)]
    public void Amounts_out_of_range_are_refused(double? amount, SmoothingKind? kind)
        => Assert.Equal((ErrorCodes.InvalidRequest, "smoothing"), Assert.Throws<ApiException>(() => Smoothing.Of(amount, kind)) is var refused ? (refused.Code, refused.Field!) : default);

    private static double?[] All(Smoothing smoothing, IEnumerable<double> values)
    {
        var points = Points(values);
        return smoothing.At(points, [.. Enumerable.Range(0, points.Length)]);
    }

    private static StoredPoint[] Points(IEnumerable<double> values) => [.. values.Select((value, i) => new StoredPoint(i, i, value, 3))];
}
