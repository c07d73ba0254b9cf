using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Parquet;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Staging;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>Statistics of one file on demand.</summary>
public static class TableStatistics
{
    /// <summary>Statistics of all rows.</summary>
    /// <param name="name">What the table is called.</param>
    public static async Task<TableProfile> ComputeAsync(DataEngine engine, string name, IByteSource source, TableFormat format, CancellationToken cancellationToken)
    {
        var staged = await TableStager.StageAsync(engine, source, format, cancellationToken).ConfigureAwait(false);
        return await ProfileAsync(engine, name, staged, format, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Statistics of the first rows, for which no more than these are fetched.</summary>
    /// <param name="rows">Rows that are looked at.</param>
    public static async Task<TableProfile> OfFirstAsync(DataEngine engine, string name, IByteSource source, TableFormat format, int rows, CancellationToken cancellationToken)
    {
        if (format.Format != FileFormat.Parquet)
        {
            var text = await TableStager.StageAsync(engine, source, format, cancellationToken, rows).ConfigureAwait(false);
            return await ProfileAsync(engine, name, text, format, cancellationToken).ConfigureAwait(false);
        }

        var (file, found) = await ParquetPreview.FirstAsync(source, rows, cancellationToken).ConfigureAwait(false);
        var staged = await TableStager.StageAsync(engine, file, found, cancellationToken).ConfigureAwait(false);
        return await ProfileAsync(engine, name, staged, format, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<TableProfile> ProfileAsync(DataEngine engine, string name, StagedTable staged, TableFormat format, CancellationToken cancellationToken)
    {
        using var profiler = new TableProfiler(name, [], format.Options?.DateOrder);
        try
        {
            using var session = await engine.OpenAsync(cancellationToken).ConfigureAwait(false);
            profiler.Add(name, staged, await EngineTable.OpenAsync(session, staged, cancellationToken).ConfigureAwait(false));
        }
        catch
        {
            staged.Dispose();
            throw;
        }

        return (await profiler.BuildAsync(engine, static () => Task.CompletedTask, cancellationToken).ConfigureAwait(false)).Profile;
    }
}
