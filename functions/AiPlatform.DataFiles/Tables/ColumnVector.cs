using System.Globalization;

namespace AiPlatform.DataFiles.Tables;

/// <summary>The values of one column in one chunk. It is valid until the next chunk is read.</summary>
public sealed class ColumnVector
{
    private readonly char[]? _chars;
    private readonly int[]? _starts;
    private readonly int[]? _lengths;
    private readonly int _column;
    private readonly int _stride;
    private readonly string?[]? _strings;
    private readonly bool[]? _nulls;
    private readonly long[]? _integers;
    private readonly double[]? _numbers;

    /// <summary>Text that lies in a buffer of the whole chunk: row by row, <paramref name="stride"/> fields each; a length below zero is null.</summary>
    internal ColumnVector(char[] chars, int[] starts, int[] lengths, int column, int stride, int count)
    {
        IsUntyped = true;
        (Kind, _chars, _starts, _lengths, _column, _stride, Count) = (VectorKind.Text, chars, starts, lengths, column, stride, count);
    }

    /// <summary>Strings; null is null.</summary>
    internal ColumnVector(string?[] strings, int count, bool isUntyped = false) => (Kind, _strings, Count, IsUntyped) = (VectorKind.Text, strings, count, isUntyped);

    /// <summary>Integers, booleans (0 or 1) or ticks.</summary>
    internal ColumnVector(VectorKind kind, long[] integers, bool[] nulls, int count) => (Kind, _integers, _nulls, Count) = (kind, integers, nulls, count);

    /// <summary>Numbers.</summary>
    internal ColumnVector(double[] numbers, bool[] nulls, int count) => (Kind, _numbers, _nulls, Count) = (VectorKind.Number, numbers, nulls, count);

    /// <summary>How the values are held.</summary>
    public VectorKind Kind { get; }

    /// <summary>Rows.</summary>
    public int Count { get; }

    /// <summary>Whether the format has no types: then some texts stand for no value.</summary>
    public bool IsUntyped { get; }

    /// <summary>Whether the row has no value.</summary>
    public bool IsNull(int row) => _nulls is not null ? _nulls[row] : _strings is not null ? _strings[row] is null : _lengths![(row * _stride) + _column] < 0;

    /// <summary>Whether the row has no value, or one that stands for none (<see cref="MissingText"/>).</summary>
    public bool IsMissing(int row) => IsNull(row) || (Kind == VectorKind.Text && (IsUntyped ? MissingText.Is(Text(row)) : Text(row).IsWhiteSpace()));

    /// <summary>The text of a row of a text column; empty for null.</summary>
    public ReadOnlySpan<char> Text(int row)
    {
        if (_strings is not null)
        {
            return _strings[row];
        }

        var field = (row * _stride) + _column;
        return _lengths![field] < 0 ? default : _chars.AsSpan(_starts![field], _lengths[field]);
    }

    /// <summary>The integer, boolean or ticks of a row.</summary>
    public long Integer(int row) => _integers![row];

    /// <summary>The number of a row of an integer or number column.</summary>
    public double Number(int row) => _numbers is not null ? _numbers[row] : _integers![row];

    /// <summary>The value as JSON would show it: a string, number, boolean or null.</summary>
    public object? Value(int row) => IsNull(row)
        ? null
        : Kind switch
        {
            VectorKind.Text => Text(row).ToString(),
            VectorKind.Integer => _integers![row],
            VectorKind.Number => _numbers![row],
            VectorKind.Boolean => _integers![row] != 0,
            VectorKind.Timestamp => Timestamp(_integers![row]),
            _ => throw new InvalidOperationException($"Unknown kind {Kind}."),
        };

    /// <summary>The value as text; empty for null. Texts of equal values are equal.</summary>
    public ReadOnlySpan<char> Format(int row, Span<char> buffer)
    {
        if (Kind == VectorKind.Text)
        {
            return Text(row);
        }

        if (IsNull(row))
        {
            return default;
        }

        var written = 0;
        var fits = Kind switch
        {
            VectorKind.Integer => _integers![row].TryFormat(buffer, out written, default, CultureInfo.InvariantCulture),
            VectorKind.Number => _numbers![row].TryFormat(buffer, out written, default, CultureInfo.InvariantCulture),
            _ => false,
        };
        return fits
            ? buffer[..written]
            : Kind switch
            {
                VectorKind.Boolean => _integers![row] != 0 ? "true" : "false",
                VectorKind.Timestamp => Timestamp(_integers![row]),
                _ => throw new ArgumentException("The buffer is too small for a number."),
            };
    }

    /// <summary>Ticks as ISO 8601, without a time where it is midnight.</summary>
    internal static string Timestamp(long ticks)
    {
        var time = new DateTime(ticks, DateTimeKind.Utc);
        return time.ToString(
            time.TimeOfDay == TimeSpan.Zero ? "yyyy-MM-dd" : ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-ddTHH:mm:ssZ" : "yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);
    }
}
