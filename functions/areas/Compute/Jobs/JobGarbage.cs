using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Registry;

namespace AiPlatform.Compute.Jobs;

/// <summary>
/// Releases jobs that went with their project: attempts, nodes, inputs, events, code and the logs of all ranks. A job from which a live model
/// version came stays whole, and so does one that still runs.
/// </summary>
internal sealed class JobGarbage(Database database, GarbageQueue queue) : IProjectPart, IGarbageRelease, IGarbageSource
{
    private const string Condition = $"""
        AND t.ended_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM {RegistryRelations.ModelOrigins} v WHERE (v.job_id = t.id OR v.registered_by_job = t.id) AND v.purged_at IS NULL)
        """;

    /// <summary>After the registry, whose versions keep their jobs.</summary>
    public int Order => 2;

    /// <inheritdoc />
    public string Container => BlobStorage.Jobs;

    /// <inheritdoc />
    public Task ReleaseAsync(UnitOfWork work, string projectId, DateTimeOffset deletedAt)
        => work.ExecuteAsync("UPDATE jobs SET deleted_at = @deletedAt WHERE project_id = @projectId AND deleted_at IS NULL", new { projectId, deletedAt });

    /// <inheritdoc />
    public Task ReleaseAsync(GarbageRound round, CancellationToken cancellationToken)
        => DeletedRows.ReleaseAsync(database, round, new DeletedTable("jobs", "jobs", Condition), (work, id, _) => ReleaseAsync(work, id), cancellationToken);

    /// <inheritdoc />
    public async Task<IReadOnlyCollection<string>> ReferencedAsync(UnitOfWork work, string[] names)
        => await work.QueryAsync<string>(
            """
            SELECT n.name FROM unnest(@names) AS n (name)
            WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.id = split_part(n.name, '/', 1) AND j.purged_at IS NULL)
            """,
            new { names });

    private async Task ReleaseAsync(UnitOfWork work, string id)
    {
        var (attempts, text) = await work.SingleAsync<(int Attempts, string Spec)>("SELECT attempt, spec::text FROM jobs WHERE id = @id", new { id });
        var resources = JsonSerializer.Deserialize<JobSpec>(text, ContractsJson.Tolerant)!.Resources;
        var ranks = resources.Nodes * resources.ProcessesPerNode;
        await queue.AddAsync(
            work,
            Container,
            [
                .. Enumerable.Range(1, attempts).SelectMany(attempt => Enumerable.Range(0, ranks).Select(rank => new GarbageBlob(JobLogs.BlobName(id, attempt, rank), null))),
            ]);
        await work.ExecuteAsync(
            """
            DELETE FROM job_events WHERE job_id = @id;
            DELETE FROM job_nodes WHERE job_id = @id;
            DELETE FROM job_attempts WHERE job_id = @id;
            DELETE FROM job_datasets WHERE job_id = @id;
            DELETE FROM job_dependencies WHERE job_id = @id OR depends_on = @id;
            UPDATE jobs SET spec = spec - 'code' WHERE id = @id
            """,
            new { id });
    }
}
