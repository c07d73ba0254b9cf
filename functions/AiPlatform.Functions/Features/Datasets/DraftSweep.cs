using AiPlatform.Functions.Infrastructure;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Functions.Features.Datasets;

/// <summary>Frees what drafts that nobody committed have uploaded. A few at each tick; repeating it is harmless.</summary>
internal sealed class DraftSweep(Database database, DatasetVersionStore versions, ContentVerifier verifier, IOptions<DatasetOptions> options, TimeProvider time) : ITickTask
{
    private const int MaxDrafts = 5;

    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var draft in await AbandonedAsync(cancellationToken))
        {
            // The uploads first: a sweep that dies in between finds the draft again.
            await verifier.DeleteUploadsAsync(draft, await versions.ListMissingAsync(draft, cancellationToken), cancellationToken);
            await DeleteAsync(draft.Id, cancellationToken);
        }
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

    // A commit that came in between has made the version ready: then nothing is deleted.
    private Task DeleteAsync(string versionId, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                if (await work.FindAsync<string>("SELECT id FROM dataset_versions WHERE id = @versionId AND status = 'draft' FOR UPDATE", new { versionId }) is not null)
                {
                    await work.ExecuteAsync(
                        "DELETE FROM dataset_files WHERE version_id = @versionId; DELETE FROM dataset_versions WHERE id = @versionId", new { versionId });
                }
            },
            cancellationToken);
}
