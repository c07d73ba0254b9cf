using System.Text.Json;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Registry.Models;

/// <summary>Limits of what models and versions take.</summary>
internal static class ModelChecks
{
    /// <summary>Most characters of a signature, and of an input example.</summary>
    public const int MaxJson = 100_000;

    private const int MaxDescription = 10_000;
    private const int MaxMetrics = 100;
    private const int MaxTags = 200;
    private const int MaxKey = 250;
    private const int MaxTag = 8_000;
    private static readonly string[] SignatureParts = ["inputs", "outputs", "params"];

    public static void Description(string? description) => Check.Text(description, "description", MaxDescription);

    public static void Metrics(IReadOnlyDictionary<string, double>? metrics)
    {
        Check.That(metrics is null or { Count: <= MaxMetrics }, "metrics", "count", 0, MaxMetrics);
        foreach (var key in metrics?.Keys ?? [])
        {
            Check.Length(key, "metrics", 1, MaxKey);
        }
    }

    public static void Tags(IReadOnlyDictionary<string, string?>? tags)
    {
        Check.That(tags is null or { Count: <= MaxTags }, "tags", "count", 0, MaxTags);
        foreach (var (key, value) in tags ?? new Dictionary<string, string?>())
        {
            Check.Length(key, "tags", 1, MaxKey);
            Check.Text(value, $"tags.{key}", MaxTag);
        }
    }

    /// <summary>A signature in MLflow's form: an object whose parts are lists of columns, or such lists as texts.</summary>
    public static void Signature(JsonElement? signature)
    {
        if (signature is not { } value)
        {
            return;
        }

        Json(value, "signature");
        Check.That(value.ValueKind == JsonValueKind.Object, "signature", "signature");
        foreach (var part in value.EnumerateObject())
        {
            Check.That(SignatureParts.Contains(part.Name) && ModelSignature.IsPart(part.Value), "signature", "signature");
        }
    }

    public static void Json(JsonElement? json, string field) => Check.That(json is null || json.Value.GetRawText().Length <= MaxJson, field, "length", 0, MaxJson);
}
