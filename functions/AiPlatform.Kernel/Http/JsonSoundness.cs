using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace AiPlatform.Kernel.Http;

/// <summary>Looks through JSON for texts that are none and numbers that nobody can store. Whether it is JSON at all is for its reader to find out.</summary>
public static class JsonSoundness
{
    /// <summary>The reason for a text with U+0000, with half a surrogate pair, or that is not UTF-8.</summary>
    public const string UnsoundText = "unsoundText";

    /// <summary>The reason for a number beyond those of 64-bit floating point.</summary>
    public const string NumberRange = "numberRange";

    private const int MaxExponent = 308;
    private const int MinExponent = -400;

    private static readonly SearchValues<byte> OutsideOfInterest = SearchValues.Create("\"eE"u8);

    /// <summary>Null when the JSON is sound, else the key of the reason.</summary>
    public static string? Problem(ReadOnlySpan<byte> json) => Problem(json, out _);

    /// <summary>As <see cref="Problem(ReadOnlySpan{byte})"/>, with the field that is wrong, such as <c>tags[2].value</c>; empty where none can be named.</summary>
    public static string? Problem(ReadOnlySpan<byte> json, out string field)
    {
        field = string.Empty;
        if (!Utf8.IsValid(json))
        {
            return UnsoundText;
        }

        var rest = json;
        var problem = Search(ref rest);
        if (problem is not null)
        {
            field = FieldAt(json, json.Length - rest.Length);
        }

        return problem;
    }

    // Leaves what follows the fault.
    private static string? Search(ref ReadOnlySpan<byte> json)
    {
        while (json.IndexOfAny(OutsideOfInterest) is >= 0 and var at)
        {
            if (json[at] != '"')
            {
                var isOfNumber = at > 0 && (char.IsAsciiDigit((char)json[at - 1]) || json[at - 1] == '.');
                json = json[(at + 1)..];
                if (isOfNumber && !IsWithin(json))
                {
                    return NumberRange;
                }

                continue;
            }

            json = json[(at + 1)..];
            if (!SkipText(ref json))
            {
                return UnsoundText;
            }
        }

        return null;
    }

    // Read once more, up to the fault: that is rare.
    private static string FieldAt(ReadOnlySpan<byte> json, int position)
    {
        var path = new List<(string? Name, int Index)>();
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName)
                {
                    path[^1] = (Encoding.UTF8.GetString(reader.ValueSpan), 0);
                }
                else if (path.Count > 0 && path[^1] is (null, var index) && reader.TokenType is not JsonTokenType.EndArray)
                {
                    path[^1] = (null, index + 1);
                }

                if (reader.BytesConsumed >= position)
                {
                    break;
                }

                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                {
                    path.Add(reader.TokenType == JsonTokenType.StartObject ? (string.Empty, 0) : (null, -1));
                }
                else if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
                {
                    path.RemoveAt(path.Count - 1);
                }
            }
        }
        catch (JsonException)
        {
            // Not JSON either: the part before says where.
        }

        return string.Concat(path.Select(static step => step.Name is null ? $"[{step.Index}]" : "." + step.Name)).TrimStart('.');
    }

    // After the E of a number.
    private static bool IsWithin(ReadOnlySpan<byte> rest)
    {
        var sign = rest.Length > 0 && rest[0] is (byte)'+' or (byte)'-' ? 1 : 0;
        var digits = rest[sign..];
        digits = digits[..(digits.IndexOfAnyExceptInRange((byte)'0', (byte)'9') is >= 0 and var end ? end : digits.Length)].TrimStart((byte)'0');
        return digits.Length <= 3 && (!Utf8Parser.TryParse(digits, out int exponent, out _) || exponent <= (sign == 1 && rest[0] == '-' ? -MinExponent : MaxExponent));
    }

    // After the opening quote; leaves what follows the closing one, or nothing where there is none.
    private static bool SkipText(ref ReadOnlySpan<byte> json)
    {
        var expectsLow = false;
        while (true)
        {
            var at = json.IndexOfAny((byte)'"', (byte)'\\');
            if (at < 0)
            {
                json = [];
                return true;
            }

            if (expectsLow && (at > 0 || json[at] == '"'))
            {
                return false;
            }

            if (json[at] == '"')
            {
                json = json[(at + 1)..];
                return true;
            }

            json = json[(at + 1)..];
            if (json.Length < 5 || json[0] != 'u' || !Utf8Parser.TryParse(json[1..5], out ushort unit, out var read, 'x') || read != 4)
            {
                // Another escape, or none: then the reader of the JSON refuses it.
                json = json.Length > 0 ? json[1..] : json;
                if (expectsLow)
                {
                    return false;
                }

                continue;
            }

            json = json[5..];
            var isLow = char.IsLowSurrogate((char)unit);
            if (unit == 0 || isLow != expectsLow)
            {
                return false;
            }

            expectsLow = char.IsHighSurrogate((char)unit);
        }
    }
}
