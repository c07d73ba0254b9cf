using System.Text.Json;

namespace AiPlatform.MLflow.Traces;

/// <summary>Tokens that a span says it used, and what they cost; null where it says nothing.</summary>
internal sealed record SpanTotals(long? InputTokens, long? OutputTokens, long? TotalTokens, double? InputCost, double? OutputCost, double? TotalCost)
{
    /// <summary>Far more than any model takes; sums of as many spans as a trace may have stay numbers.</summary>
    public const long MaxTokens = 1_000_000_000_000;

    private const double MaxCost = 1e12;

    /// <summary>Reads MLflow's attributes.</summary>
    public static SpanTotals Of(Dictionary<string, string> attributes)
    {
        using var usage = Object(attributes, SpanKeys.Usage);
        using var cost = Object(attributes, SpanKeys.Cost);
        return new SpanTotals(
            Tokens(usage, "input_tokens"),
            Tokens(usage, "output_tokens"),
            Tokens(usage, "total_tokens"),
            Cost(cost, "input_cost"),
            Cost(cost, "output_cost"),
            Cost(cost, "total_cost"));
    }

    private static JsonDocument? Object(Dictionary<string, string> attributes, string key)
    {
        var document = attributes.TryGetValue(key, out var dumped) ? AttributeValues.Parse(dumped) : null;
        if (document is null or { RootElement.ValueKind: JsonValueKind.Object })
        {
            return document;
        }

        document.Dispose();
        return null;
    }

    private static long? Tokens(JsonDocument? document, string name)
        => Number(document, name) is { } number && number is >= 0 and <= MaxTokens ? (long)number : null;

    private static double? Cost(JsonDocument? document, string name) => Number(document, name) is { } number && Math.Abs(number) <= MaxCost ? number : null;

    private static double? Number(JsonDocument? document, string name)
        => document is not null && document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out var number) ? number : null;
}
