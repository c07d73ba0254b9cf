using System.Globalization;
using System.Text;
using System.Text.Json;
using AiPlatform.DataFiles.Engine;
using Apache.Arrow;
using Apache.Arrow.Arrays;

namespace AiPlatform.DataFiles.Parquet;

/// <summary>Nested cells of Arrow arrays as JSON, as the engine writes it.</summary>
internal static class ArrowJson
{
    private const int MaxDepth = 64;

    /// <summary>The JSON of a cell.</summary>
    public static string Of(IArrowArray array, int row)
    {
        var json = new StringBuilder();
        Append(json, array, row, 0);
        return json.ToString();
    }

    private static void Append(StringBuilder json, IArrowArray array, int row, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new NotSupportedException("Values are nested too deeply.");
        }

        if (array.IsNull(row))
        {
            json.Append("null");
            return;
        }

        switch (array)
        {
            case DictionaryArray values:
                Append(json, values.Dictionary, ArrowValue.Entry(values, row), depth);
                break;
            case MapArray map:
                Map(json, map, row, depth);
                break;
            case ListArray list:
                List(json, list.Values, list.ValueOffsets[row], list.ValueOffsets[row + 1], depth);
                break;
            case LargeListArray list:
                List(json, list.Values, checked((int)list.ValueOffsets[row]), checked((int)list.ValueOffsets[row + 1]), depth);
                break;
            case StructArray structure:
                Struct(json, structure, row, depth);
                break;
            default:
                Scalar(json, array, row);
                break;
        }
    }

    private static void List(StringBuilder json, IArrowArray values, int from, int to, int depth)
    {
        json.Append('[');
        for (var i = from; i < to; i++)
        {
            Separate(json, i == from);
            Append(json, values, i, depth + 1);
        }

        json.Append(']');
    }

    private static void Map(StringBuilder json, MapArray map, int row, int depth)
    {
        json.Append('{');
        for (var i = map.ValueOffsets[row]; i < map.ValueOffsets[row + 1]; i++)
        {
            Separate(json, i == map.ValueOffsets[row]);
            json.Append(Quote(ArrowValue.Shown(map.Keys, i, ParquetMeaning.Plain) is { } key ? Convert.ToString(key, CultureInfo.InvariantCulture)! : "null")).Append(':');
            Append(json, map.Values, i, depth + 1);
        }

        json.Append('}');
    }

    private static void Struct(StringBuilder json, StructArray structure, int row, int depth)
    {
        var type = (Apache.Arrow.Types.StructType)structure.Data.DataType;
        json.Append('{');
        for (var i = 0; i < structure.Fields.Count; i++)
        {
            Separate(json, i == 0);
            json.Append(Quote(type.Fields[i].Name)).Append(':');
            Append(json, structure.Fields[i], row, depth + 1);
        }

        json.Append('}');
    }

    private static void Scalar(StringBuilder json, IArrowArray array, int row)
    {
        switch (array)
        {
            case Decimal128Array or Decimal256Array:
                json.Append(ArrowValue.Decimal(array, row));
                break;
            case UInt64Array values:
                json.Append(values.Values[row].ToString(CultureInfo.InvariantCulture));
                break;
            case StringArray values:
                json.Append(Quote(values.GetString(row)));
                break;
            case TimestampArray values:
                json.Append(Quote(Timestamp(ArrowValue.Nanoseconds(values, row))));
                break;
            case BinaryArray or LargeBinaryArray or FixedSizeBinaryArray:
                json.Append(Quote(ArrowValue.Blob(ArrowValue.Bytes(array, row))));
                break;
            default:
                json.Append(ArrowValue.Shown(array, row, ParquetMeaning.Plain) switch
                {
                    bool flag => flag ? "true" : "false",
                    long number => number.ToString(CultureInfo.InvariantCulture),
                    double number => Number(number),
                    string text => array is DoubleArray or FloatArray or HalfFloatArray ? text : Quote(text),
                    _ => throw new NotSupportedException($"{array.Data.DataType.Name} is not shown."),
                });
                break;
        }
    }

    // The engine's form: the shortest digits, with a point, and an exponent only for what is very large or very small.
    private static string Number(double value)
    {
        if (value == 0)
        {
            return double.IsNegative(value) ? "-0.0" : "0.0";
        }

        var parts = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture).Split('E');
        var digits = parts[0].Replace(".", string.Empty, StringComparison.Ordinal).Trim('0');
        var point = parts[0].IndexOf('.', StringComparison.Ordinal) is var at and >= 0 ? at : parts[0].Length;
        var first = parts[0].AsSpan().IndexOfAnyInRange('1', '9');
        var exponent = (first < point ? point - 1 - first : point - first) + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        var sign = value < 0 ? "-" : string.Empty;
        return exponent switch
        {
            < -6 or > 20 => $"{sign}{digits[0]}{(digits.Length > 1 ? $".{digits[1..]}" : string.Empty)}e{exponent.ToString(CultureInfo.InvariantCulture)}",
            < 0 => $"{sign}0.{new string('0', -exponent - 1)}{digits}",
            _ when digits.Length <= exponent + 1 => $"{sign}{digits.PadRight(exponent + 1, '0')}.0",
            _ => $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}",
        };
    }

    private static string Timestamp(Int128 nanoseconds)
    {
        var (days, rest) = ShownValue.Split(nanoseconds);
        return $"{ShownValue.Date(days)} {ShownValue.Time(rest)}";
    }

    private static string Quote(string text) => JsonSerializer.Serialize(text, ArrowJsonContext.Relaxed);

    private static void Separate(StringBuilder json, bool isFirst)
    {
        if (!isFirst)
        {
            json.Append(',');
        }
    }

    private static class ArrowJsonContext
    {
        public static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    }
}
