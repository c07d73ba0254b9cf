using AiPlatform.DataFiles.Tables;
using DuckDB.NET.Data;

namespace AiPlatform.DataFiles.Engine;

/// <summary>The values of one column in a chunk that is being read.</summary>
internal sealed class ChunkColumn(EngineColumn column, int capacity)
{
    private readonly string?[] _texts = new string?[capacity];
    private readonly long[] _integers = new long[capacity];
    private readonly double[] _numbers = new double[capacity];
    private readonly bool[] _nulls = new bool[capacity];

    private VectorKind Kind => column.IsBroken ? VectorKind.Text : column.Family switch
    {
        ValueFamily.Integer => VectorKind.Integer,
        ValueFamily.Float => VectorKind.Number,
        ValueFamily.Boolean => VectorKind.Boolean,
        ValueFamily.Date or ValueFamily.Timestamp => VectorKind.Timestamp,
        _ => VectorKind.Text,
    };

    /// <summary>What is selected for a column.</summary>
    public static string Sql(EngineColumn column) => !column.IsBroken && column.Family is ValueFamily.Text or ValueFamily.Float ? $"{column.Value}{(column.Family == ValueFamily.Float ? "::DOUBLE" : string.Empty)}" : column.Shown;

    /// <summary>Takes the value of a row.</summary>
    public void Set(int row, DuckDBDataReader reader, int ordinal)
    {
        _nulls[row] = reader.IsDBNull(ordinal);
        switch (Kind)
        {
            case VectorKind.Text:
                _texts[row] = _nulls[row] ? null : reader.GetString(ordinal);
                break;
            case VectorKind.Number:
                _numbers[row] = _nulls[row] ? 0 : reader.GetDouble(ordinal);
                break;
            case VectorKind.Boolean:
                _integers[row] = !_nulls[row] && reader.GetBoolean(ordinal) ? 1 : 0;
                break;
            case VectorKind.Timestamp:
                _integers[row] = _nulls[row] ? 0 : Ticks(reader.GetInt64(ordinal));
                break;
            default:
                _integers[row] = _nulls[row] ? 0 : reader.GetInt64(ordinal);
                break;
        }
    }

    /// <summary>The first values.</summary>
    public ColumnVector Build(int count) => Kind switch
    {
        VectorKind.Text => new ColumnVector(_texts, count, column.IsUntyped),
        VectorKind.Number => new ColumnVector(_numbers, _nulls, count),
        _ => new ColumnVector(Kind, _integers, _nulls, count),
    };

    // Times before the year 1 and after 9999 count as the first and the last.
    private long Ticks(long value)
    {
        var ticks = DateTime.UnixEpoch.Ticks + (Int128)value * (column.Family == ValueFamily.Date ? TimeSpan.TicksPerDay : TimeSpan.TicksPerMicrosecond)
            / (column.SqlType == "TIMESTAMP_NS" ? 1000 : 1);
        return (long)Int128.Clamp(ticks, DateTime.MinValue.Ticks, DateTime.MaxValue.Ticks);
    }
}
