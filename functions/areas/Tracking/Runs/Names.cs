using AiPlatform.Ports.MLflow;

namespace AiPlatform.Tracking.Runs;

/// <summary>MLflow's rules about keys and values; of versions that differ the largest limit.</summary>
internal static class Names
{
    public const int MaxKey = 250;
    public const int MaxParam = 6_000;
    public const int MaxTag = 8_000;

    /// <summary>Of models and versions: the text of a prompt is a tag.</summary>
    public const int MaxRegistryTag = 100_000;
    private const int MaxShown = 250;

    /// <summary>Checks the key of a metric, param or tag.</summary>
    /// <param name="kind">Such as <c>metric</c>.</param>
    public static string Key(string? key, string kind)
    {
        if (string.IsNullOrEmpty(key))
        {
            throw MLflowException.Invalid($"{Capital(kind)} name cannot be None or empty. A key name must be provided.");
        }

        if (key.Length > MaxKey)
        {
            throw MLflowException.Invalid($"{Capital(kind)} {(kind == "metric" ? "name" : "key")} '{key[..MaxKey]}' had length {key.Length}, which exceeded length limit of {MaxKey}");
        }

        foreach (var c in key)
        {
            if (!char.IsLetterOrDigit(c) && c is not ('_' or '-' or '.' or ' ' or ':' or '/'))
            {
                throw MLflowException.Invalid(
                    $"Invalid {kind} name: '{key}'. Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).");
            }
        }

        return IsOwnPath(key)
            ? key
            : throw MLflowException.Invalid(
                $"Invalid {kind} name: '{key}'. Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to another one.");
    }

    /// <summary>Checks a value's length.</summary>
    public static string Value(string value, string kind, string key, int max)
        => value.Length <= max
            ? value
            : throw MLflowException.Invalid($"{Capital(kind)} value '{value[..Math.Min(value.Length, MaxShown)]}' of '{key}' had length {value.Length}, which exceeded length limit of {max}");

    /// <summary>Checks a metric's time in milliseconds since 1970; answers microseconds.</summary>
    public static long Microseconds(long milliseconds, string key, double value)
        => milliseconds is >= 0 and <= 253_402_300_799_999
            ? milliseconds * 1_000
            : throw MLflowException.Invalid(
                $"Got invalid timestamp {milliseconds} for metric '{key}' (value={value.ToString(System.Globalization.CultureInfo.InvariantCulture)}). Timestamp must be a nonnegative long (64-bit integer) ");

    // Whether the key, read as a path, is its own normal form and stays inside.
    private static bool IsOwnPath(string key)
    {
        if (key[0] == '/' || key[^1] == '/')
        {
            return false;
        }

        foreach (var part in key.AsSpan().Split('/'))
        {
            if (key.AsSpan()[part] is "" or "." or "..")
            {
                return false;
            }
        }

        return true;
    }

    private static string Capital(string kind) => char.ToUpperInvariant(kind[0]) + kind[1..];
}
