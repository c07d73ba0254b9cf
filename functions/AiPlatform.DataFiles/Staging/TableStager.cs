using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Parquet;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Staging;

/// <summary>Puts tables where queries can read them: Parquet as it is, text through its reader, so that rows, columns and complaints are those of previews.</summary>
internal static class TableStager
{
    private const int BlockBytes = 4 << 20;

    /// <summary>Stages a table.</summary>
    /// <param name="maxRows">Rows of a text file at most.</param>
    /// <param name="progress">Told of the bytes of the file that are done.</param>
    /// <exception cref="DataFormatException">It is no table of its format.</exception>
    public static Task<StagedTable> StageAsync(
        DataEngine engine, IByteSource source, TableFormat format, CancellationToken cancellationToken, long maxRows = long.MaxValue, Action<long>? progress = null)
    {
        var key = source.Identity is { } identity ? $"{identity}/{format}/{maxRows}" : null;
        return engine.Cache.GetAsync(
            key,
            (file, token) => format.Format == FileFormat.Parquet ? CopyAsync(source, file, progress, token) : ConvertAsync(source, format, file, maxRows, progress, token),
            cancellationToken);
    }

    /// <summary>Stages rows of a Parquet file that were read for a preview.</summary>
    public static Task<StagedTable> StageAsync(DataEngine engine, ParquetPreview preview, IReadOnlyList<(long Row, object?[] Values)> rows, CancellationToken cancellationToken)
        => engine.Cache.GetAsync(
            null,
            (file, _) =>
            {
                var columns = preview.Fields.Select(static field => StagedPreview.Column(field)).ToArray();
                using var writer = new StagingWriter(file, columns);
                for (var column = 0; column < columns.Length; column++)
                {
                    writer.Add(column, StagedPreview.Values(columns[column], [.. rows.Select(row => row.Values[column])]), rows.Count);
                }

                writer.EndChunk(rows.Count);
                writer.Close();
                return Task.FromResult(new StagedContent(columns, preview.Issues));
            },
            cancellationToken);

    private static async Task<StagedContent> CopyAsync(IByteSource source, StagingFile file, Action<long>? progress, CancellationToken cancellationToken)
    {
        await ParquetFooter.CheckAsync(source, cancellationToken).ConfigureAwait(false);
        file.Reserve(source.Length);
        var blocks = (int)((source.Length + BlockBytes - 1) / BlockBytes);
        using var handle = File.OpenHandle(file.Path, FileMode.CreateNew, FileAccess.Write, preallocationSize: source.Length);
        var done = 0L;
        await Parallel.ForAsync(
            0, blocks, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancellationToken },
            async (block, token) =>
            {
                var offset = (long)block * BlockBytes;
                var buffer = new byte[(int)Math.Min(BlockBytes, source.Length - offset)];
                var read = await source.ReadAsync(offset, buffer, token).ConfigureAwait(false);
                if (read != buffer.Length)
                {
                    throw new DataFormatException(DataErrors.Truncated, "The file ends before its content does.");
                }

                await RandomAccess.WriteAsync(handle, buffer, offset, token).ConfigureAwait(false);
                progress?.Invoke(Interlocked.Add(ref done, read));
            }).ConfigureAwait(false);
        return new StagedContent(null, new DataIssues());
    }

    private static async Task<StagedContent> ConvertAsync(
        IByteSource source, TableFormat format, StagingFile file, long maxRows, Action<long>? progress, CancellationToken cancellationToken)
    {
        using var reader = await TableFile.OpenAsync(source, format, cancellationToken).ConfigureAwait(false);
        using var writer = new StagingWriter(file, reader.Columns);
        var rows = 0L;
        DataFormatException? failure = null;
        try
        {
            while (rows < maxRows && await reader.NextAsync(cancellationToken).ConfigureAwait(false) is { } chunk)
            {
                var count = (int)Math.Min(chunk.Count, maxRows - rows);
                for (var column = 0; column < reader.Columns.Count; column++)
                {
                    writer.Add(column, await chunk.ReadAsync(column, cancellationToken).ConfigureAwait(false), count);
                }

                rows += count;
                writer.EndChunk(count);
                progress?.Invoke(Math.Min(reader.BytesRead, source.Length));
            }
        }
        catch (DataFormatException exception) when (exception.Code is not DataErrors.QueryDisk)
        {
            // What came before is good.
            failure = exception;
        }

        writer.Close();
        return new StagedContent(reader.Columns, reader.Issues) { Dialect = reader.Dialect, CutAtLine = reader.CutAtLine, Failure = failure };
    }
}
