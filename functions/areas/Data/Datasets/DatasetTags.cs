using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Data.Datasets;

/// <summary>Tags of datasets and versions.</summary>
internal static class DatasetTags
{
    private const int MaxTags = 100;
    private const int MaxKey = 128;
    private const int MaxValue = 1_000;

    /// <summary>Checks tags.</summary>
    /// <returns>The JSON of the column; null when none are given.</returns>
    /// <exception cref="ApiException">400 naming the tag.</exception>
    public static string? ToJson(IReadOnlyDictionary<string, string>? tags)
    {
        if (tags is null)
        {
            return null;
        }

        Check.That(tags.Count <= MaxTags, "tags", "count", 0, MaxTags);
        foreach (var (key, value) in tags)
        {
            Check.Length(key, "tags", 1, MaxKey);
            Check.Length(value, $"tags.{key}", 0, MaxValue);
        }

        return JsonSerializer.Serialize(tags, ContractsJson.Strict);
    }

    /// <summary>Reads the column; null when there are none.</summary>
    public static IReadOnlyDictionary<string, string>? FromJson(string json)
        => json.Length <= 2 ? null : JsonSerializer.Deserialize<Dictionary<string, string>>(json, ContractsJson.Tolerant);
}
