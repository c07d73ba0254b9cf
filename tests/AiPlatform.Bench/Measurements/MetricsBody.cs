using System.Text;

namespace AiPlatform.Bench.Measurements;

/// <summary>The body of a request that logs metrics; from call to call only the digits of its numbers are rewritten, which costs next to nothing.</summary>
internal sealed class MetricsBody
{
    private const int Digits = 9;
    private const string Place = "#########";

    private readonly byte[] _json;
    private readonly int[] _places;

    private MetricsBody(string template)
    {
        _json = Encoding.UTF8.GetBytes(template);
        var places = new List<int>();
        for (var at = template.IndexOf(Place, StringComparison.Ordinal); at >= 0; at = template.IndexOf(Place, at + Digits, StringComparison.Ordinal))
        {
            places.Add(at);
        }

        _places = [.. places];
    }

    /// <summary>A batch of a hundred metrics at one step.</summary>
    public static MetricsBody Batch(string run)
        => new($"{{\"run_id\":\"{run}\",\"metrics\":[{string.Join(',', Enumerable.Range(0, 100).Select(i => $"{{{Point($"metric_{i}", i)}}}"))}]}}");

    /// <summary>One metric.</summary>
    public static MetricsBody Metric(string run) => new($"{{\"run_id\":\"{run}\",{Point("loss", 0)}}}");

    /// <summary>The body at a step; good until the next call.</summary>
    public ReadOnlyMemory<byte> At(long step)
    {
        Span<byte> digits = stackalloc byte[Digits];
        var rest = (step % 900_000_000) + 100_000_000;
        for (var i = Digits - 1; i >= 0; i--, rest /= 10)
        {
            digits[i] = (byte)('0' + (rest % 10));
        }

        foreach (var place in _places)
        {
            digits.CopyTo(_json.AsSpan(place));
        }

        return _json;
    }

    // The digits are the last of the value (16 in all, as those of most doubles), of the time in milliseconds, and the step.
    private static string Point(string key, int i) => $"\"key\":\"{key}\",\"value\":0.{1_000_000 + (i * 77_777)}{Place},\"timestamp\":1700{Place},\"step\":{Place}";
}
