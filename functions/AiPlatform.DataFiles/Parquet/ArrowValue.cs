using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using AiPlatform.DataFiles.Engine;
using Apache.Arrow;
using Apache.Arrow.Arrays;
using Apache.Arrow.Types;

namespace AiPlatform.DataFiles.Parquet;

/// <summary>Cells of Arrow arrays as previews show them: the same as what the engine shows for the same cell.</summary>
internal static class ArrowValue
{
    private const int DecimalBytes = 16;
    private const int UuidBytes = 16;
    private const int IntervalBytes = 12;

    /// <summary>The value of a row.</summary>
    public static object? Shown(IArrowArray array, int row, ParquetMeaning meaning)
    {
        if (array.IsNull(row))
        {
            return null;
        }

        return array switch
        {
            _ when meaning == ParquetMeaning.Uuid => Uuid(Bytes(array, row)),
            _ when meaning == ParquetMeaning.Interval => Interval(Bytes(array, row)),
            Int8Array values => (long)values.Values[row],
            Int16Array values => (long)values.Values[row],
            Int32Array values => (long)values.Values[row],
            Int64Array values => values.Values[row],
            UInt8Array values => (long)values.Values[row],
            UInt16Array values => (long)values.Values[row],
            UInt32Array values => (long)values.Values[row],
            UInt64Array values => ShownValue.Exact(new BigInteger(values.Values[row])),
            HalfFloatArray values => ShownValue.Number((double)values.GetValue(row)!.Value),
            FloatArray values => ShownValue.Number(values.Values[row]),
            DoubleArray values => ShownValue.Number(values.Values[row]),
            BooleanArray values => values.GetValue(row)!.Value,
            Decimal128Array or Decimal256Array => ShownValue.Exact(Decimal(array, row)),
            Date32Array values => ShownValue.Date(values.Values[row]),
            TimestampArray values => ShownValue.Timestamp(Nanoseconds(values, row)),
            Time32Array values => ShownValue.Time((long)values.Values[row] * Scale(((Time32Type)values.Data.DataType).Unit)),
            Time64Array values => ShownValue.Time(values.Values[row] * Scale(((Time64Type)values.Data.DataType).Unit)),
            StringArray values => ShownValue.Text(values.GetString(row)),
            LargeStringArray values => ShownValue.Text(values.GetString(row)),
            BinaryArray or LargeBinaryArray or FixedSizeBinaryArray => ShownValue.Text(Blob(Bytes(array, row))),
            NullArray => null,
            DictionaryArray values => Shown(values.Dictionary, Entry(values, row), meaning),
            MapArray or ListArray or LargeListArray or StructArray => ShownValue.Text(ArrowJson.Of(array, row)),
            _ => throw new NotSupportedException($"Values of the type {array.Data.DataType.Name} are not shown."),
        };
    }

    /// <summary>Where in its dictionary the value of a row is.</summary>
    public static int Entry(DictionaryArray values, int row) => (int)(long)Shown(values.Indices, row, default)!;

    /// <summary>A decimal number with all of its digits.</summary>
    public static string Decimal(IArrowArray array, int row)
    {
        var data = array.Data;
        var width = array is Decimal128Array ? DecimalBytes : 2 * DecimalBytes;
        var value = new BigInteger(data.Buffers[1].Span.Slice((data.Offset + row) * width, width));
        var scale = array is Decimal128Array ? ((Decimal128Type)data.DataType).Scale : ((Decimal256Type)data.DataType).Scale;
        var digits = BigInteger.Abs(value).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        var sign = value.Sign < 0 ? "-" : string.Empty;
        return scale == 0 ? sign + digits : $"{sign}{digits[..^scale]}.{digits[^scale..]}";
    }

    /// <summary>A point in time in nanoseconds from 1970.</summary>
    public static Int128 Nanoseconds(TimestampArray values, int row) => (Int128)values.Values[row] * Scale(((TimestampType)values.Data.DataType).Unit);

    /// <summary>Nanoseconds of a unit.</summary>
    public static long Scale(TimeUnit unit) => unit switch
    {
        TimeUnit.Second => 1_000_000_000,
        TimeUnit.Millisecond => 1_000_000,
        TimeUnit.Microsecond => 1000,
        TimeUnit.Nanosecond => 1,
        _ => throw new InvalidOperationException($"Unknown unit {unit}."),
    };

    /// <summary>The bytes of a cell.</summary>
    public static ReadOnlySpan<byte> Bytes(IArrowArray array, int row) => array switch
    {
        BinaryArray values => values.GetBytes(row),
        LargeBinaryArray values => values.GetBytes(row),
        FixedSizeBinaryArray values => values.GetBytes(row),
        _ => throw new NotSupportedException($"{array.Data.DataType.Name} holds no bytes."),
    };

    /// <summary>Bytes as text: printable ASCII as it is, the rest as <c>\xHH</c>.</summary>
    public static string Blob(ReadOnlySpan<byte> bytes)
    {
        var text = new System.Text.StringBuilder(bytes.Length);
        foreach (var value in bytes)
        {
            if (value is >= 32 and <= 126 and not ((byte)'\\' or (byte)'\'' or (byte)'"'))
            {
                text.Append((char)value);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"\\x{value:X2}");
            }
        }

        return text.ToString();
    }

    private static string Uuid(ReadOnlySpan<byte> bytes) => bytes.Length == UuidBytes
        ? new Guid(bytes, bigEndian: true).ToString()
        : throw new InvalidOperationException("A UUID has 16 bytes.");

    private static string Interval(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != IntervalBytes)
        {
            throw new InvalidOperationException("An interval has 12 bytes.");
        }

        var months = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        var days = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        var milliseconds = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        var parts = new List<string>(4);
        Add(parts, months / 12, "year");
        Add(parts, months % 12, "month");
        Add(parts, days, "day");
        if (milliseconds > 0 || parts.Count == 0)
        {
            parts.Add(ShownValue.Time(milliseconds * 1_000_000L));
        }

        return string.Join(' ', parts);
    }

    private static void Add(List<string> parts, uint count, string unit)
    {
        if (count > 0)
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{count} {unit}{(count == 1 ? string.Empty : "s")}"));
        }
    }
}
