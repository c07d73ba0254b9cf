using AiPlatform.DataFiles.Tables;
using ParquetSharp;
using ParquetSharp.Schema;

namespace AiPlatform.DataFiles.Staging;

/// <summary>Writes the chunks of a reader as Parquet, in row groups of bounded size. Columns are called <c>c0</c>, <c>c1</c> and so on.</summary>
internal sealed class StagingWriter : IDisposable
{
    private const int GroupRows = 122_880;
    private const long GroupBytes = 48L << 20;

    private readonly StagingFile _file;
    private readonly FileStream _stream;
    private readonly ParquetFileWriter _writer;
    private readonly StagingColumn[] _columns;
    private int _rows;
    private long _reserved;
    private bool _closed;

    public StagingWriter(StagingFile file, IReadOnlyList<TableColumn> columns)
    {
        _file = file;
        _columns = [.. columns.Select(static column => StagingColumn.Of(column))];
        using var properties = new WriterPropertiesBuilder().Compression(Compression.Snappy).Build();
        using var schema = new GroupNode("table", Repetition.Required, [.. _columns.Select(static (column, index) => column.Node($"c{index}"))]);
        _stream = new FileStream(file.Path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            _writer = new ParquetFileWriter(_stream, schema, properties, keyValueMetadata: null, leaveOpen: true);
        }
        catch
        {
            _stream.Dispose();
            throw;
        }
    }

    /// <summary>Adds the first values of a chunk's column.</summary>
    public void Add(int column, ColumnVector values, int count) => _columns[column].Add(values, count);

    /// <summary>Every column of a chunk was added.</summary>
    public void EndChunk(int count)
    {
        _rows += count;
        if (_rows >= GroupRows || _columns.Sum(static column => column.Bytes) >= GroupBytes)
        {
            Flush();
        }
    }

    /// <summary>Writes the rest and the footer.</summary>
    public void Close()
    {
        Flush();
        _writer.Close();
        Reserve();
        _closed = true;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (!_closed)
        {
            _writer.Close();
        }

        _writer.Dispose();
        _stream.Dispose();
    }

    private void Flush()
    {
        if (_rows == 0)
        {
            return;
        }

        using (var group = _writer.AppendRowGroup())
        {
            foreach (var column in _columns)
            {
                using var target = group.NextColumn();
                column.Write(target);
            }
        }

        _rows = 0;
        Reserve();
    }

    private void Reserve()
    {
        var written = _stream.Position - _reserved;
        _file.Reserve(written);
        _reserved += written;
    }
}
