using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>
/// Profiles the columns of a table, as many together as memory allows. A query over a file costs by all of its columns, however few it asks
/// for: over hundreds of columns that are asked about one by one that is most of the work.
/// </summary>
/// <param name="table">The table.</param>
/// <param name="drawn">The rows of the sample, from 0, in order.</param>
/// <param name="dateOrder">How 01/02/2024 is read; null where nobody told.</param>
/// <param name="maxNumbers">Different numbers of a column that are held in memory at most.</param>
internal sealed class ColumnBatches(EngineTable table, IReadOnlyList<long> drawn, DateOrder? dateOrder, int maxNumbers)
{
    private const int MaxRows = 100_000;
    private const int MaxColumns = 2048;
    private const int MaxCells = 1 << 18;
    private const long MaxBytes = 24L << 20;
    private const int Inflation = 4;

    /// <summary>The columns in batches; one batch a column where there are many rows.</summary>
    public IReadOnlyList<EngineColumn[]> All()
    {
        var stored = table.Files.Sum(static file => new FileInfo(file.Path).Length) * Inflation / table.Columns.Count;
        var size = table.Rows > Math.Min(MaxRows, maxNumbers)
            ? 1
            : Math.Clamp(Math.Min(MaxBytes / Math.Max(1, stored), MaxCells / Math.Max(1, table.Rows)), 1, MaxColumns);
        return [.. table.Columns.Chunk((int)size)];
    }

    /// <summary>Profiles a batch; where it cannot be read as a whole, in parts.</summary>
    /// <param name="take">Takes the facts of each column.</param>
    public async Task ProfileAsync(EngineSession session, EngineColumn[] batch, Func<EngineColumn, ColumnFacts, Task> take, CancellationToken cancellationToken)
    {
        if (batch.Length == 1)
        {
            var alone = await new ColumnProfiler(session, table, drawn, dateOrder, maxNumbers).ProfileAsync(batch[0], cancellationToken).ConfigureAwait(false);
            await take(batch[0], alone).ConfigureAwait(false);
            return;
        }

        IReadOnlyList<ColumnFacts> facts;
        try
        {
            facts = await new BatchProfiler(session, table, drawn, dateOrder).ProfileAsync(batch, cancellationToken).ConfigureAwait(false);
        }
        catch (DataFormatException exception) when (exception.Code is DataErrors.DataCorrupt or DataErrors.QueryMemory)
        {
            var half = batch.Length / 2;
            await ProfileAsync(session, batch[..half], take, cancellationToken).ConfigureAwait(false);
            await ProfileAsync(session, batch[half..], take, cancellationToken).ConfigureAwait(false);
            return;
        }

        for (var i = 0; i < batch.Length; i++)
        {
            await take(batch[i], facts[i]).ConfigureAwait(false);
        }
    }
}
