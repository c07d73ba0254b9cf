using AiPlatform.Data.Tables;
using Parquet;
using Parquet.Meta;
using Parquet.Schema;

namespace AiPlatform.Data.Parquet;

/// <summary>One row group, or its first rows.</summary>
internal sealed class ParquetChunk(RangeStream stream, ParquetRowGroupReader reader, DataField[] fields, int maxRows) : TableChunk
{
    private const long MaxAtOnce = 48 * 1024 * 1024;
    private const int HeadBytes = 128 * 1024;
    private const int HeaderSlack = 64 * 1024;
    private const int MaxPageBytes = 512 * 1024 * 1024;

    private readonly int?[] _values = new int?[fields.Length];

    private bool IsWindow => Count == maxRows;

    /// <summary>Loads a small row group with one request; of a large one, the first pages of several columns at a time.</summary>
    public async ValueTask PrefetchAsync(RowGroup group, CancellationToken cancellationToken)
    {
        var begin = group.Columns.Min(static column => Begin(column.MetaData!));
        var end = group.Columns.Max(static column => Begin(column.MetaData!) + column.MetaData!.TotalCompressedSize);
        if (end - begin is >= 0 and var size && size <= (IsWindow ? MaxAtOnce / 2 : MaxAtOnce))
        {
            await stream.LoadAsync(begin, size, cancellationToken).ConfigureAwait(false);
        }
        else if (IsWindow)
        {
            await Parallel.ForAsync(
                0, fields.Length, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken },
                async (column, token) =>
                {
                    if (!ParquetColumns.IsNested(fields[column]))
                    {
                        _values[column] = await LoadAsync(Meta(fields[column]), token).ConfigureAwait(false);
                    }
                }).ConfigureAwait(false);
        }
    }

    /// <inheritdoc />
    public override async ValueTask<ColumnVector> ReadAsync(int column, CancellationToken cancellationToken)
    {
        var field = fields[column];
        if (ParquetColumns.IsNested(field))
        {
            var texts = new string?[Count];
            Array.Fill(texts, "[…]");
            return new ColumnVector(texts, Count);
        }

        var meta = Meta(field);
        var values = _values[column] ?? await LoadAsync(meta, cancellationToken).ConfigureAwait(false);
        if (values < Count)
        {
            throw new DataFormatException(DataErrors.ParquetCorrupt, $"“{field.Path}” has {values} values for {Count} rows.");
        }

        meta.NumValues = values;
        return await ParquetErrors.GuardAsync(() => ParquetColumns.ReadAsync(reader, field, values, Count, cancellationToken)).ConfigureAwait(false);
    }

    private ColumnMetaData Meta(DataField field)
        => reader.GetMetadata(field)?.MetaData ?? throw new DataFormatException(DataErrors.ParquetCorrupt, $"“{field.Path}” has no data.");

    private static long Begin(ColumnMetaData meta) => meta.DictionaryPageOffset is > 0 and var dictionary ? Math.Min(dictionary, meta.DataPageOffset) : meta.DataPageOffset;

    // Loads the pages that hold the rows; gives how many values they hold.
    private async ValueTask<int> LoadAsync(ColumnMetaData meta, CancellationToken cancellationToken)
    {
        var begin = Begin(meta);
        if (!IsWindow)
        {
            await stream.LoadAsync(begin, meta.TotalCompressedSize, cancellationToken).ConfigureAwait(false);
        }
        else if (stream.Loaded(begin).Length < meta.TotalCompressedSize)
        {
            await stream.LoadAsync(begin, Math.Min(HeadBytes, meta.TotalCompressedSize), cancellationToken).ConfigureAwait(false);
        }

        var (at, values) = (begin, 0);
        while (values < Count)
        {
            var header = await HeaderAsync(meta, begin, at, cancellationToken).ConfigureAwait(false);
            if (header.UncompressedBytes > MaxPageBytes)
            {
                throw new DataFormatException(DataErrors.ParquetCorrupt, "A page is larger than any sensible page.");
            }

            at += header.HeaderBytes + header.CompressedBytes;
            values += header.Values;
            if (at > begin + meta.TotalCompressedSize + HeaderSlack || (header is { IsDictionary: false, Values: 0 } && values < Count && at >= begin + meta.TotalCompressedSize))
            {
                throw new DataFormatException(DataErrors.ParquetCorrupt, "A column is longer than the footer says.");
            }
        }

        if (IsWindow && stream.Loaded(begin).Length < at - begin)
        {
            await stream.LoadAsync(begin, at - begin, cancellationToken).ConfigureAwait(false);
        }

        return values;
    }

    private async ValueTask<PageHeader> HeaderAsync(ColumnMetaData meta, long begin, long at, CancellationToken cancellationToken)
    {
        if (PageHeader.TryRead(stream.Loaded(at).Span) is { } loaded)
        {
            return loaded;
        }

        var left = begin + meta.TotalCompressedSize - at;
        if (left <= 0)
        {
            throw new DataFormatException(DataErrors.ParquetCorrupt, "A column ends before its values do.");
        }

        var bytes = await stream.LoadAsync(at, Math.Min(HeaderSlack, left), cancellationToken).ConfigureAwait(false);
        return PageHeader.TryRead(bytes.Span) ?? throw new DataFormatException(DataErrors.ParquetCorrupt, "A page has no valid header.");
    }
}
