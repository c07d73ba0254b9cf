using System.Buffers.Binary;
using AiPlatform.Data.Sources;
using AiPlatform.Data.Tables;
using Parquet;
using Parquet.Meta;
using Parquet.Schema;

namespace AiPlatform.Data.Parquet;

/// <summary>Reads Parquet row group by row group, a column at a time: memory is that of one column of one row group.</summary>
internal sealed class ParquetTable : TableReader
{
    private const int TailBytes = 64 * 1024;
    private const int MaxFooterBytes = 256 * 1024 * 1024;
    private const int MaxRowsOfGroup = 50_000_000;

    private readonly RangeStream _stream;
    private readonly ParquetReader _reader;
    private readonly DataField[] _fields;
    private int _group;
    private long _row;

    private ParquetTable(RangeStream stream, ParquetReader reader)
    {
        (_stream, _reader) = (stream, reader);
        _fields = reader.Schema.GetDataFields();
        Columns = [.. _fields.Select(ParquetColumns.Describe)];
    }

    /// <inheritdoc />
    public override IReadOnlyList<TableColumn> Columns { get; }

    /// <inheritdoc />
    public override long? RowCount => _reader.Metadata!.NumRows;

    /// <inheritdoc />
    public override long BytesRead => _stream.BytesRead;

    /// <summary>Rows of each row group.</summary>
    public IReadOnlyList<long> RowGroups => [.. _reader.Metadata!.RowGroups.Select(static group => group.NumRows)];

    /// <summary>Opens a file: reads its footer.</summary>
    public static async Task<ParquetTable> OpenAsync(IByteSource source, CancellationToken cancellationToken)
    {
        if (source.Length == 0)
        {
            throw new DataFormatException(DataErrors.Empty, "The file is empty.");
        }

        var tail = new byte[(int)Math.Min(TailBytes, source.Length)];
        var read = await source.ReadAsync(source.Length - tail.Length, tail, cancellationToken).ConfigureAwait(false);
        if (read < 12 || !tail.AsSpan(read - 4).SequenceEqual("PAR1"u8))
        {
            var head = new byte[4];
            await source.ReadAsync(0, head, cancellationToken).ConfigureAwait(false);
            throw head.AsSpan().SequenceEqual("PAR1"u8)
                ? new DataFormatException(DataErrors.Truncated, "The file ends before its footer.")
                : new DataFormatException(DataErrors.ParquetCorrupt, "The file is not Parquet.");
        }

        var footer = BinaryPrimitives.ReadUInt32LittleEndian(tail.AsSpan(read - 8));
        if (footer > MaxFooterBytes || footer + 12 > source.Length)
        {
            throw new DataFormatException(DataErrors.ParquetCorrupt, "The length of the footer is impossible.");
        }

        var stream = new RangeStream(source);
        await stream.LoadAsync(source.Length - footer - 8, footer + 8, cancellationToken).ConfigureAwait(false);
        await stream.LoadAsync(0, 4, cancellationToken).ConfigureAwait(false);
        return await ParquetErrors.GuardAsync(async () => new ParquetTable(stream, Check(await ParquetReader.CreateAsync(stream, ParquetColumns.Options, true, cancellationToken).ConfigureAwait(false)))).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public override async ValueTask<TableChunk?> NextAsync(CancellationToken cancellationToken)
    {
        while (_group < _reader.RowGroupCount)
        {
            var first = _row;
            var chunk = await OpenAsync(_group++, first, int.MaxValue, cancellationToken).ConfigureAwait(false);
            _row += chunk.Count;
            if (chunk.Count > 0)
            {
                return chunk;
            }
        }

        return null;
    }

    /// <summary>The first rows of a row group: of a large one, only the pages that hold them are fetched.</summary>
    public Task<TableChunk> OpenAsync(int group, int maxRows, CancellationToken cancellationToken)
        => OpenAsync(group, _reader.Metadata!.RowGroups.Take(group).Sum(static earlier => earlier.NumRows), maxRows, cancellationToken);

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _stream.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task<TableChunk> OpenAsync(int group, long first, int maxRows, CancellationToken cancellationToken)
    {
        _stream.Release();
        var meta = _reader.Metadata!.RowGroups[group];
        var reader = _reader.OpenRowGroupReader(group);
        var chunk = new ParquetChunk(_stream, reader, _fields, maxRows) { FirstRow = first, Count = (int)Math.Min(meta.NumRows, maxRows) };
        await chunk.PrefetchAsync(meta, cancellationToken).ConfigureAwait(false);
        return chunk;
    }

    private static ParquetReader Check(ParquetReader reader)
    {
        var groups = reader.Metadata!.RowGroups;
        if (groups.Exists(static group => group.NumRows is < 0 or > MaxRowsOfGroup || group.Columns.Exists(static column => column.MetaData is null or { NumValues: < 0 }))
            || groups.Sum(static group => group.NumRows) != reader.Metadata.NumRows)
        {
            throw new DataFormatException(DataErrors.ParquetCorrupt, "The numbers of rows in the footer are impossible.");
        }

        // Decoders trust the number of nulls in the statistics; ours may read a part of a column, and hostile files lie.
        groups.ForEach(static group => group.Columns.ForEach(static column => column.MetaData!.Statistics = null));
        return reader;
    }
}
