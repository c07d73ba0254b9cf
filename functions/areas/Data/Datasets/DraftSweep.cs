using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Datasets;

/// <summary>Frees what drafts that nobody committed have uploaded. A few at each tick; repeating it is harmless.</summary>
internal sealed class DraftSweep(Database database, DatasetDraftStore drafts, ContentVerifier verifier, IOptions<DatasetOptions> options, TimeProvider time) : ITickTask
{
    private const int MaxDrafts = 5;

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var draft in await AbandonedAsync(cancellationToken))
        {
            await DeleteAsync(draft, cancellationToken);
        }
    }

    /// <summary>Deletes a draft and what was uploaded for it.</summary>
    public async Task DeleteAsync(DatasetVersionRow draft, CancellationToken cancellationToken)
    {
        // The uploads first: a sweep that dies in between finds the draft again. A draft that became ready meanwhile stays.
        await verifier.DeleteUploadsAsync(draft, await drafts.ListMissingAsync(draft, cancellationToken), cancellationToken);
        await drafts.DeleteAsync(draft.Id, cancellationToken);
    }

    private async Task<IReadOnlyList<DatasetVersionRow>> AbandonedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<DatasetVersionRow>(new CommandDefinition(
            $"SELECT {DatasetVersionRow.Columns} FROM dataset_versions v WHERE v.status = 'draft' AND v.created_at < @before ORDER BY v.created_at LIMIT @limit",
            new { before = time.GetUtcNow() - options.Value.DraftLifetime, limit = MaxDrafts },
            cancellationToken: cancellationToken));
        return rows.AsList();
    }
}
