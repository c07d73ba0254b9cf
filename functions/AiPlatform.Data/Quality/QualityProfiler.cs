using AiPlatform.Data.Expectations;
using AiPlatform.Data.Images;
using AiPlatform.Data.Profiles;
using AiPlatform.Data.Tables;

namespace AiPlatform.Data.Quality;

/// <summary>Looks into the files of a version. Files with equal columns are one table.</summary>
public static class QualityProfiler
{
    private const int MaxTables = 16;
    private const int MaxUnreadable = 100;

    /// <summary>Profiles tables.</summary>
    /// <param name="files">The files, one after the other.</param>
    /// <param name="progress">Told now and then; it may end the work by an exception.</param>
    public static async Task<QualityPart> ProfileTablesAsync(
        IAsyncEnumerable<QualityFile> files, QualityPlan plan, Func<QualityProgress, Task> progress, CancellationToken cancellationToken)
    {
        var tables = new Dictionary<string, TableProfiler>(StringComparer.Ordinal);
        var unreadable = new List<DataIssue>();
        var (done, rows, bytes) = (0L, 0L, 0L);
        await foreach (var file in files.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            try
            {
                using var reader = await TableFile.OpenAsync(file.Source, new TableFormat(FileFormats.Of(file.Path), plan.Reading), cancellationToken).ConfigureAwait(false);
                if (Table(tables, file.Path, reader, plan) is { } table)
                {
                    await table.AddAsync(
                        file.Path, reader,
                        count =>
                        {
                            rows += count;
                            return progress(new QualityProgress(done, rows, bytes + Math.Min(reader.BytesRead, file.Source.Length)));
                        },
                        cancellationToken).ConfigureAwait(false);
                    if (reader.CutAtLine is { } line)
                    {
                        throw new DataFormatException(DataErrors.Truncated, "The file ends inside of a record.", line);
                    }
                }
                else if (unreadable.Count < MaxUnreadable)
                {
                    unreadable.Add(new DataIssue(DataErrors.Unsupported, null, $"More than {MaxTables} different tables.", file.Path));
                }
            }
            catch (DataFormatException exception)
            {
                if (unreadable.Count < MaxUnreadable)
                {
                    unreadable.Add(new DataIssue(exception.Code, exception.Line, exception.Message, file.Path));
                }
            }

            done++;
            bytes += file.Source.Length;
            await progress(new QualityProgress(done, rows, bytes)).ConfigureAwait(false);
        }

        var built = tables.Values.Select(static table => table.Build()).ToList();
        return new QualityPart(
            built.ConvertAll(static table => table.Profile), built.ConvertAll(static table => table.Sketch), [.. built.SelectMany(static table => table.Expectations)], unreadable, null);
    }

    /// <summary>Looks at images.</summary>
    public static async Task<QualityPart> ProfileImagesAsync(IAsyncEnumerable<QualityFile> files, Func<QualityProgress, Task> progress, CancellationToken cancellationToken)
    {
        var batch = ImageBatch.Empty;
        var bytes = 0L;
        var buffer = Array.Empty<byte>();
        await foreach (var file in files.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            var length = (int)Math.Min(file.Source.Length, ImageInspector.MaxBytes);
            if (buffer.Length < length)
            {
                buffer = new byte[length];
            }

            var read = await file.Source.ReadAsync(0, buffer.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
            batch = batch.With(file.Path, ImageInspector.Inspect(buffer.AsSpan(0, read), read == file.Source.Length));
            bytes += file.Source.Length;
            await progress(new QualityProgress(batch.Count, batch.Count, bytes)).ConfigureAwait(false);
        }

        return QualityPart.Empty with { Images = batch };
    }

    private static TableProfiler? Table(Dictionary<string, TableProfiler> tables, string path, TableReader reader, QualityPlan plan)
    {
        var key = string.Join('\n', reader.Columns.Select(static column => $"{column.Name}\t{column.Kind}"));
        if (!tables.TryGetValue(key, out var table))
        {
            if (tables.Count == MaxTables)
            {
                return null;
            }

            tables.Add(key, table = new TableProfiler(path, reader.Columns, plan.Expectations, plan.Reading.DateOrder));
        }

        return table;
    }
}
