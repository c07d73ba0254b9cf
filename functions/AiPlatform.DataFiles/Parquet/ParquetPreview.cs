using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;
using Apache.Arrow;
using Apache.Arrow.Ipc;
using ParquetSharp;
using ParquetSharp.Arrow;
using ParquetSharp.IO;

namespace AiPlatform.DataFiles.Parquet;

/// <summary>Rows of a Parquet file read from ranges of it, column by column: one that cannot be read costs itself only.</summary>
internal sealed class ParquetPreview
{
    private const int MaxBatchRows = 100_000;

    private ParquetPreview(IReadOnlyList<ParquetField> fields, IReadOnlyList<long> groups) => (Fields, Groups) = (fields, groups);

    /// <summary>The columns.</summary>
    public IReadOnlyList<ParquetField> Fields { get; }

    /// <summary>Rows of each row group.</summary>
    public IReadOnlyList<long> Groups { get; }

    /// <summary>Rows in all.</summary>
    public long Rows => Groups.Sum();

    /// <summary>The first columns, as previews call them.</summary>
    public IReadOnlyList<TableColumn> Columns => [.. Fields.Select(static described => described.Column)];

    /// <summary>What could not be read.</summary>
    public DataIssues Issues { get; } = new();

    /// <summary>The row group of a row.</summary>
    public int GroupOf(long row)
    {
        var group = 0;
        for (var end = Groups[0]; row >= end; end += Groups[group])
        {
            group++;
        }

        return group;
    }

    /// <summary>Reads the first rows.</summary>
    /// <exception cref="DataFormatException">It is not a Parquet file that can be read.</exception>
    public static Task<(ParquetPreview File, List<(long Row, object?[] Values)> Rows)> FirstAsync(IByteSource source, int count, CancellationToken cancellationToken)
        => ReadAsync(
            source,
            file =>
            {
                var wanted = new List<(int Group, int Rows)>();
                for (var (group, left) = (0, count); group < file.Groups.Count && left > 0; group++)
                {
                    var rows = (int)Math.Min(left, file.Groups[group]);
                    wanted.Add((group, rows));
                    left -= rows;
                }

                return wanted;
            },
            cancellationToken);

    /// <summary>Reads the first rows of some row groups.</summary>
    /// <param name="choose">Says which, and how many of each.</param>
    public static async Task<(ParquetPreview File, List<(long Row, object?[] Values)> Rows)> ReadAsync(
        IByteSource source, Func<ParquetPreview, IReadOnlyList<(int Group, int Rows)>> choose, CancellationToken cancellationToken)
    {
        await ParquetFooter.CheckAsync(source, cancellationToken).ConfigureAwait(false);
        var stream = new SourceStream(source, cancellationToken);
        await using (stream.ConfigureAwait(false))
        {
            // The library reads synchronously: not on the pool's few threads that answer requests.
            var work = Task.Factory.StartNew(() => Read(stream, choose, cancellationToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return await work.ConfigureAwait(false);
        }
    }

    private static (ParquetPreview, List<(long, object?[])>) Read(
        SourceStream stream, Func<ParquetPreview, IReadOnlyList<(int Group, int Rows)>> choose, CancellationToken cancellationToken)
    {
        try
        {
            return ParquetErrors.Guard(() =>
            {
                using var properties = ReaderProperties.GetDefaultReaderProperties();
                properties.EnableBufferedStream();
                using var file = new ManagedRandomAccessFile(stream, leaveOpen: true);
                using var metadata = new ParquetFileReader(file, properties);
                var groups = Enumerable.Range(0, metadata.FileMetaData.NumRowGroups).Select(group => RowsOf(metadata, group)).ToArray();
                var preview = new ParquetPreview(ParquetSchema.Fields(metadata.FileMetaData), groups);
                return (preview, preview.Read(stream, properties, choose(preview), cancellationToken));
            });
        }
        catch (DataFormatException) when (stream.Failure is { } failure and not DataFormatException)
        {
            // The storage failed, not the file.
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
            throw;
        }
    }

    private static long RowsOf(ParquetFileReader reader, int group)
    {
        using var row = reader.RowGroup(group);
        return row.MetaData.NumRows is >= 0 and var rows ? rows : throw new DataFormatException(DataErrors.ParquetCorrupt, "The numbers of rows in the footer are impossible.");
    }

    private List<(long, object?[])> Read(SourceStream stream, ReaderProperties properties, IReadOnlyList<(int Group, int Rows)> wanted, CancellationToken cancellationToken)
    {
        var rows = new List<(long, object?[])>();
        using var arrow = ArrowReaderProperties.GetDefault();
        arrow.UseThreads = false;
        arrow.PreBuffer = false;
        foreach (var (group, count) in wanted)
        {
            var first = Groups.Take(group).Sum();
            var values = new object?[Math.Min(count, MaxBatchRows)][];
            for (var i = 0; i < values.Length; i++)
            {
                rows.Add((first + i, values[i] = new object?[Fields.Count]));
            }

            arrow.BatchSize = Math.Max(1, values.Length);
            using var file = new ManagedRandomAccessFile(stream, leaveOpen: true);
            using var reader = new FileReader(file, properties, arrow);
            for (var column = 0; column < Fields.Count; column++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ReadColumn(stream, reader, group, column, values);
            }
        }

        return rows;
    }

    private void ReadColumn(SourceStream stream, FileReader reader, int group, int column, object?[][] values)
    {
        var field = Fields[column];
        try
        {
            if (field.Meaning == ParquetMeaning.Variant)
            {
                throw new NotSupportedException("Variants are not shown.");
            }

            using var batches = reader.GetRecordBatchReader([group], field.Leaves);
            var row = 0;
            while (row < values.Length && Next(batches) is { } batch)
            {
                using (batch)
                {
                    for (var i = 0; i < batch.Length && row < values.Length; i++, row++)
                    {
                        values[row][column] = ArrowValue.Shown(batch.Column(0), i, field.Meaning);
                    }
                }
            }

            if (row < values.Length)
            {
                throw new DataFormatException(DataErrors.Truncated, "The column has fewer values than rows.");
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException && stream.Failure is null)
        {
            foreach (var row in values)
            {
                row[column] = null;
            }

            Issues.Add(DataErrors.ColumnUnreadable, null, $"The column “{field.Column.Name}” cannot be read.");
        }
    }

    private static RecordBatch? Next(IArrowArrayStream batches) => batches.ReadNextRecordBatchAsync().AsTask().GetAwaiter().GetResult();
}
