using System.Buffers.Text;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace AiPlatform.Contracts;

/// <summary>
/// Whether JSON of users can be stored and given back. Judged by what it says and not by how it is written: an escaped backslash before
/// <c>u0000</c> is five ordinary characters, and the size does not depend on white space and escapes.
/// </summary>
public static class StorableJson
{
    /// <summary>Levels of arrays and objects; the envelopes of the API around them stay within what JSON readers accept by default (64).</summary>
    public const int MaxDepth = 48;

    // What is beyond cannot be a double. Written out as digits, 1e131000 would take 131,001 bytes.
    private const int MaxExponent = 400;

    /// <summary>The first reason why a value cannot be stored.</summary>
    /// <param name="value">JSON.</param>
    /// <param name="maxBytes">Of its shortest form as UTF-8.</param>
    public static JsonFault Check(JsonElement value, int maxBytes) => Check(JsonMarshal.GetRawUtf8Value(value), maxBytes);

    /// <summary>As the other overload.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static JsonFault Check(ReadOnlySpan<byte> json, int maxBytes)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 1_000 });
        long size = 0;
        while (reader.Read())
        {
            var fault = Measure(ref reader, ref size);
            if (fault != JsonFault.None || size > maxBytes)
            {
                return fault == JsonFault.None ? JsonFault.Size : fault;
            }
        }

        return JsonFault.None;
    }

    private static JsonFault Measure(ref Utf8JsonReader reader, ref long size)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.PropertyName or JsonTokenType.String:
                size += 3; // Quotes, and the colon or comma behind them.
                return reader.ValueIsEscaped ? MeasureEscaped(reader.ValueSpan, ref size) : Add(reader.ValueSpan.Length, ref size);
            case JsonTokenType.Number:
                size += 1;
                return IsDouble(reader.ValueSpan) ? Add(reader.ValueSpan.Length, ref size) : JsonFault.Number;
            case JsonTokenType.StartObject or JsonTokenType.StartArray when reader.CurrentDepth >= MaxDepth:
                return JsonFault.Depth;
            default:
                return Add(reader.ValueSpan.Length, ref size);
        }
    }

    private static JsonFault Add(int bytes, ref long size)
    {
        size += bytes;
        return JsonFault.None;
    }

    private static bool IsDouble(ReadOnlySpan<byte> number)
    {
        var exponent = number.IndexOfAny((byte)'e', (byte)'E');
        return Utf8Parser.TryParse(number, out double value, out _) && double.IsFinite(value)
            && (exponent < 0 || (int.TryParse(number[(exponent + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var power)
                && Math.Abs((long)power) <= MaxExponent));
    }

    private static JsonFault MeasureEscaped(ReadOnlySpan<byte> text, ref long size)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                size++;
                continue;
            }

            i++;
            if (text[i] != 'u')
            {
                size += text[i] == '/' ? 1 : 2;
                continue;
            }

            var unit = CodeUnit(text[(i + 1)..]);
            i += 4;
            if (char.IsHighSurrogate(unit) && i + 6 < text.Length && text[i + 1] == '\\' && text[i + 2] == 'u' && char.IsLowSurrogate(CodeUnit(text[(i + 3)..])))
            {
                i += 6;
                size += 4;
                continue;
            }

            if (unit == 0 || char.IsSurrogate(unit))
            {
                return unit == 0 ? JsonFault.Nul : JsonFault.Surrogate;
            }

            size += unit switch { < ' ' => 6, '"' or '\\' => 2, < '\u0080' => 1, < '\u0800' => 2, _ => 3 };
        }

        return JsonFault.None;
    }

    private static char CodeUnit(ReadOnlySpan<byte> digits)
        => (char)ushort.Parse(digits[..4], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
