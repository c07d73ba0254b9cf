using System.Runtime.InteropServices;
using AiPlatform.DataFiles.Tables;
using ParquetSharp;
using ParquetSharp.Schema;

namespace AiPlatform.DataFiles.Staging;

/// <summary>The values of one column until their row group is written.</summary>
internal abstract class StagingColumn
{
    private readonly List<short> _levels = [];

    /// <summary>Bytes that are held: a missing value takes some as well.</summary>
    public long Bytes => (_levels.Count * (long)sizeof(short)) + ValueBytes;

    protected abstract long ValueBytes { get; }

    /// <summary>A column of staged values for one of a reader.</summary>
    public static StagingColumn Of(TableColumn column) => column.Kind switch
    {
        // Blanks around a text without a type mean nothing.
        VectorKind.Text => new TextColumn(trims: column.Declared == "text"),
        VectorKind.Integer => new ValueColumn<long>(PhysicalType.Int64, LogicalType.None(), static (values, row) => values.Integer(row)),
        VectorKind.Number => new ValueColumn<double>(PhysicalType.Double, LogicalType.None(), static (values, row) => values.Number(row)),
        VectorKind.Boolean => new ValueColumn<bool>(PhysicalType.Boolean, LogicalType.None(), static (values, row) => values.Integer(row) != 0),
        VectorKind.Timestamp => new ValueColumn<long>(
            PhysicalType.Int64, LogicalType.Timestamp(true, TimeUnit.Micros), static (values, row) => (values.Integer(row) - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond),
        _ => throw new InvalidOperationException($"Unknown kind {column.Kind}."),
    };

    /// <summary>The column's place in the schema.</summary>
    public abstract Node Node(string name);

    /// <summary>Adds the first <paramref name="count"/> values.</summary>
    public void Add(ColumnVector values, int count)
    {
        for (var row = 0; row < count; row++)
        {
            var isNull = values.IsNull(row);
            _levels.Add((short)(isNull ? 0 : 1));
            if (!isNull)
            {
                Take(values, row);
            }
        }
    }

    /// <summary>Writes what is held and forgets it.</summary>
    public void Write(ColumnWriter writer)
    {
        WriteValues(writer, _levels);
        _levels.Clear();
    }

    protected abstract void Take(ColumnVector values, int row);

    protected abstract void WriteValues(ColumnWriter writer, List<short> levels);

    private sealed class ValueColumn<T>(PhysicalType type, LogicalType logical, Func<ColumnVector, int, T> get) : StagingColumn
        where T : unmanaged
    {
        private readonly List<T> _values = [];

        protected override long ValueBytes => _values.Count * 8L;

        public override Node Node(string name) => new PrimitiveNode(name, Repetition.Optional, logical, type);

        protected override void Take(ColumnVector values, int row) => _values.Add(get(values, row));

        protected override void WriteValues(ColumnWriter writer, List<short> levels)
        {
            var target = (ColumnWriter<T>)writer;
            target.WriteBatch(levels.Count, levels.ToArray(), [], _values.ToArray());
            _values.Clear();
        }
    }

    private sealed class TextColumn(bool trims) : StagingColumn
    {
        // Of thousands of columns most are short.
        private const int FirstBytes = 1 << 10;

        private readonly List<int> _lengths = [];
        private byte[] _bytes = [];
        private int _used;

        protected override long ValueBytes => _used + (_lengths.Count * (long)sizeof(int));

        public override Node Node(string name) => new PrimitiveNode(name, Repetition.Optional, LogicalType.String(), PhysicalType.ByteArray);

        protected override void Take(ColumnVector values, int row)
        {
            var text = trims ? values.Text(row).Trim() : values.Text(row);
            var most = System.Text.Encoding.UTF8.GetMaxByteCount(text.Length);
            if (_bytes.Length - _used < most)
            {
                var larger = GC.AllocateUninitializedArray<byte>(checked((int)Math.Min(Array.MaxLength, Math.Max(Math.Max(FirstBytes, (long)_bytes.Length * 2), (long)_used + most))), pinned: true);
                _bytes.AsSpan(0, _used).CopyTo(larger);
                _bytes = larger;
            }

            var length = System.Text.Encoding.UTF8.GetBytes(text, _bytes.AsSpan(_used));
            _lengths.Add(length);
            _used += length;
        }

        protected override void WriteValues(ColumnWriter writer, List<short> levels)
        {
            // The buffer is pinned: the writer reads it where it is.
            var at = Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0);
            var values = new ByteArray[_lengths.Count];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = new ByteArray(at, _lengths[i]);
                at += _lengths[i];
            }

            ((ColumnWriter<ByteArray>)writer).WriteBatch(levels.Count, levels.ToArray(), [], values);
            _lengths.Clear();
            _used = 0;
        }
    }
}
