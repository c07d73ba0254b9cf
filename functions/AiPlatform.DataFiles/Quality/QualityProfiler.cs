using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Staging;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Quality;

/// <summary>Looks into the files of a version. Files with equal columns are one table.</summary>
public static class QualityProfiler
{
    private const int MaxTables = 16;
    private const int MaxUnreadable = 100;

    /// <summary>Profiles tables. Fetching a file is half of the work on it, profiling its columns the other half.</summary>
    /// <param name="files">The files, one after the other.</param>
    /// <param name="progress">Told now and then; it may end the work by an exception.</param>
    public static async Task<QualityPart> ProfileTablesAsync(
        DataEngine engine, IAsyncEnumerable<QualityFile> files, QualityPlan plan, Func<QualityProgress, Task> progress, CancellationToken cancellationToken)
    {
        var tables = new Dictionary<string, (TableProfiler Table, long Bytes)>(StringComparer.Ordinal);
        try
        {
            var unreadable = new List<DataIssue>();
            var (done, rows, bytes) = (0L, 0L, 0L);
            await foreach (var file in files.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                try
                {
                    var (content, added) = await AddAsync(engine, tables, file, plan, cancellationToken).ConfigureAwait(false);
                    rows += added;
                    // What was read counts; that there is more, or should be, is said.
                    if (content.Failure is { } failure)
                    {
                        throw failure;
                    }

                    if (content.CutAtLine is { } line)
                    {
                        throw new DataFormatException(DataErrors.Truncated, "The file ends inside of a record.", line);
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
                bytes += file.Source.Length / 2;
                await progress(new QualityProgress(done, rows, bytes)).ConfigureAwait(false);
            }

            var (profiles, sketches, results) = (new List<TableProfile>(), new List<TableSketch>(), new List<ExpectationResult>());
            foreach (var (table, size) in tables.Values)
            {
                var (profile, sketch, expectations) = await table.BuildAsync(
                    engine,
                    () =>
                    {
                        bytes += size / 2 / Math.Max(1, table.Columns);
                        return progress(new QualityProgress(done, rows, bytes));
                    },
                    cancellationToken).ConfigureAwait(false);
                profiles.Add(profile);
                sketches.Add(sketch);
                results.AddRange(expectations);
            }

            return new QualityPart(profiles, sketches, results, unreadable, null);
        }
        finally
        {
            foreach (var (table, _) in tables.Values)
            {
                table.Dispose();
            }
        }
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

    // Gives what is known of the file, and its rows.
    private static async Task<(StagedContent Content, long Rows)> AddAsync(
        DataEngine engine, Dictionary<string, (TableProfiler Table, long Bytes)> tables, QualityFile file, QualityPlan plan, CancellationToken cancellationToken)
    {
        var staged = await TableStager.StageAsync(engine, file.Source, new TableFormat(FileFormats.Of(file.Path), plan.Reading), cancellationToken).ConfigureAwait(false);
        try
        {
            using var session = await engine.OpenAsync(cancellationToken).ConfigureAwait(false);
            var table = await EngineTable.OpenAsync(session, staged, cancellationToken).ConfigureAwait(false);
            var key = string.Join('\n', table.Columns.Select(static column => $"{column.Column.Name}\t{column.SqlType}\t{column.Column.Declared}"));
            if (!tables.TryGetValue(key, out var known))
            {
                known.Table = tables.Count == MaxTables
                    ? throw new DataFormatException(DataErrors.Unsupported, $"More than {MaxTables} different tables.")
                    : new TableProfiler(file.Path, plan.Expectations, plan.Reading.DateOrder);
            }

            known.Table.Add(file.Path, staged, table);
            tables[key] = (known.Table, known.Bytes + file.Source.Length);
            return (staged.Content, table.Rows);
        }
        catch
        {
            staged.Dispose();
            throw;
        }
    }
}
