using System.Text.Json;

namespace AiPlatform.Kernel.Postgres;

/// <summary>Tags in a jsonb object.</summary>
public static class JsonTags
{
    public static IReadOnlyDictionary<string, string> Read(string json) => JsonSerializer.Deserialize<SortedDictionary<string, string>>(json)!;

    public static string Write(IEnumerable<KeyValuePair<string, string>> tags)
    {
        var last = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in tags)
        {
            last[key] = value;
        }

        return JsonSerializer.Serialize(last);
    }
}
