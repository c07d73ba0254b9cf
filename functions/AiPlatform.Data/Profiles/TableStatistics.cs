using AiPlatform.Data.Sources;
using AiPlatform.Data.Tables;

namespace AiPlatform.Data.Profiles;

/// <summary>Statistics of one file on demand, of its first rows when it is large.</summary>
public static class TableStatistics
{
    /// <summary>Computes statistics.</summary>
    /// <param name="name">What the table is called.</param>
    /// <param name="rows">Rows that are looked at, to the end of the chunk that reaches them.</param>
    /// <param name="isOver">Whether looking must end.</param>
    public static async Task<TableProfile> ComputeAsync(string name, IByteSource source, TableFormat format, int rows, Func<bool> isOver, CancellationToken cancellationToken)
    {
        using var reader = await TableFile.OpenAsync(source, format, cancellationToken).ConfigureAwait(false);
        var profiler = new TableProfiler(name, reader.Columns, [], format.Options?.DateOrder);
        await profiler.AddAsync(name, reader, rows, isOver, cancellationToken).ConfigureAwait(false);
        return profiler.Build().Profile with { Dialect = reader.Dialect };
    }
}
