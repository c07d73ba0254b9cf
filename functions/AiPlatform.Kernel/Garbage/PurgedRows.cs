using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Garbage;

/// <summary>Deletes what has been left in large tables by something that was purged, some rows in a transaction.</summary>
public static class PurgedRows
{
    private const int BatchSize = 500;
    private const int MaxBatches = 50;

    /// <summary>Deletes until a batch is not full, at most a bounded number of batches.</summary>
    /// <param name="database">Where the rows are.</param>
    /// <param name="round">The round that they are counted in.</param>
    /// <param name="kind">What the rows are called in the report.</param>
    /// <param name="sql">A <c>DELETE</c> of at most <c>@BatchSize</c> rows of what has <c>purged_at</c>; an index finds them from there on.</param>
    public static async Task DeleteAsync(Database database, GarbageRound round, string kind, string sql, CancellationToken cancellationToken)
    {
        for (var batch = 0; batch < MaxBatches; batch++)
        {
            var deleted = await database.InWorkAsync(
                async work =>
                {
                    var count = await work.ExecuteAsync(sql, new { BatchSize });
                    await round.CountAsync(work, kind, count);
                    return count;
                },
                cancellationToken);
            if (deleted < BatchSize)
            {
                return;
            }
        }
    }
}
