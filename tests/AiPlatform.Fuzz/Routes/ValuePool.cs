using System.Collections.Concurrent;
using System.Text.Json;

namespace AiPlatform.Fuzz.Routes;

/// <summary>Values that the platform gave, by the names of their fields: what exists can be asked for, changed and deleted.</summary>
internal sealed class ValuePool
{
    private const int MaxValues = 40;
    private const int MaxLength = 300;

    private readonly ConcurrentDictionary<string, List<string>> _values = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _preferred = new(StringComparer.Ordinal);

    /// <summary>A value that belongs together with the other preferred ones, and is mostly taken.</summary>
    public void Prefer(string name, string value) => _preferred[Plain(name)] = value;

    /// <summary>Takes the fields of an answer.</summary>
    public void Take(JsonElement answer, string parent, Random random)
    {
        switch (answer.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in answer.EnumerateObject())
                {
                    if (property.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number)
                    {
                        Add(property.Name, property.Value.ToString(), random);
                        if (property.Name is "id" or "name" or "version" or "key" or "path")
                        {
                            Add(parent + property.Name, property.Value.ToString(), random);
                        }
                    }
                    else
                    {
                        Take(property.Value, property.Name, random);
                    }
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in answer.EnumerateArray().Take(MaxValues))
                {
                    Take(item, parent.TrimEnd('s'), random);
                }

                break;
            default:
                break;
        }
    }

    /// <summary>Adds a value of a name.</summary>
    public void Add(string name, string value, Random random)
    {
        if (value.Length is 0 or > MaxLength)
        {
            return;
        }

        var values = _values.GetOrAdd(Plain(name), static _ => []);
        lock (values)
        {
            if (!values.Contains(value))
            {
                if (values.Count < MaxValues)
                {
                    values.Add(value);
                }
                else
                {
                    values[random.Next(MaxValues)] = value;
                }
            }
        }
    }

    /// <summary>A value for a name, or for what sounds like it; null where there is none.</summary>
    /// <param name="isSpared">Whether the preferred values are left alone.</param>
    public string? Find(string name, Random random, bool isSpared = false)
    {
        var plain = Plain(name);
        if (!isSpared && random.Next(5) > 0 && (_preferred.TryGetValue(plain, out var preferred) || _preferred.TryGetValue(plain.TrimEnd('s'), out preferred)))
        {
            return preferred;
        }

        foreach (var candidate in (string[])[plain, plain + "id", plain + "name", plain.EndsWith("ids", StringComparison.Ordinal) ? plain[..^1] : "id", random.Next(2) == 0 ? "id" : "name"])
        {
            if (_values.TryGetValue(candidate, out var values))
            {
                lock (values)
                {
                    return values[random.Next(values.Count)];
                }
            }
        }

        return null;
    }

    private static string Plain(string name) => name.Replace("_", string.Empty, StringComparison.Ordinal).ToLowerInvariant();
}
