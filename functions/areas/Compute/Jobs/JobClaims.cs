using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Identity;
using AiPlatform.Ports.Tracking;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Jobs;

/// <summary>Gives nodes to runners, one runner each, and keeps the place where the ranks meet.</summary>
internal sealed class JobClaims(
    Database database, IRunArtifacts artifacts, IDatasetInputs inputs, IJobTokens tokens, IOptions<JobOptions> options, TimeProvider time)
{
    /// <summary>Claims a node; the same claim again gets the same answer with fresh URLs and a fresh token.</summary>
    /// <param name="origin">Scheme and host of the API as the runner sees it.</param>
    /// <exception cref="ApiException">404; 409 <c>node_claimed</c>.</exception>
    public async Task<NodeAssignment> ClaimAsync(
        string jobId, int attempt, int node, ClaimNodeRequest request, string origin, CancellationToken cancellationToken)
    {
        var (job, attemptRow) = await database.InWorkAsync(
            async work =>
            {
                var locked = await JobAccess.LockAsync(work, jobId);
                return (locked, await TakeAsync(work, locked, attempt, node, request));
            },
            cancellationToken);
        var token = tokens.ForJob(job.Id, job.RunId, attempt);
        return new NodeAssignment(
            job.Id, job.RunId, job.ProjectId, attempt, node, job.ReadSpec(), await DatasetsAsync(job, origin, cancellationToken),
            await CheckpointAsync(job, attemptRow, cancellationToken), token.Token, token.ExpiresIn);
    }

    /// <summary>Says where the ranks of an attempt meet; node 0 may say it again.</summary>
    /// <exception cref="ApiException">404 when there is no such live attempt.</exception>
    public async Task SetRendezvousAsync(string jobId, int attempt, Rendezvous rendezvous, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var changed = await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE job_attempts SET master_host = @MasterHost, master_port = @MasterPort WHERE job_id = @jobId AND attempt = @attempt AND ended_at IS NULL",
            new { jobId, attempt, rendezvous.MasterHost, rendezvous.MasterPort },
            cancellationToken: cancellationToken));
        if (changed == 0)
        {
            throw ApiException.NotFound("attempt", $"{jobId}/{attempt}");
        }
    }

    /// <summary>Where the ranks of an attempt meet.</summary>
    /// <exception cref="ApiException">404 until node 0 has said it.</exception>
    public async Task<Rendezvous> GetRendezvousAsync(string jobId, int attempt, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<JobAttemptRow>(new CommandDefinition(
            "SELECT * FROM job_attempts WHERE job_id = @jobId AND attempt = @attempt", new { jobId, attempt }, cancellationToken: cancellationToken));
        return row is { MasterHost: { } host, MasterPort: { } port } ? new Rendezvous(host, port) : throw ApiException.NotFound("rendezvous", $"{jobId}/{attempt}");
    }

    private async Task<JobAttemptRow> TakeAsync(UnitOfWork work, JobRow job, int attempt, int node, ClaimNodeRequest request)
    {
        var live = job.Status is JobStatus.Queued or JobStatus.Running;
        var attemptRow = live
            ? await work.FindAsync<JobAttemptRow>(
                "SELECT * FROM job_attempts WHERE job_id = @id AND attempt = @attempt AND ended_at IS NULL", new { id = job.Id, attempt })
            : null;
        if (attemptRow is null)
        {
            throw Claimed(node, attempt, "the attempt has ended");
        }

        var session = await work.FindAsync<string>("SELECT session_id FROM runners WHERE id = @RunnerId", new { request.RunnerId })
            ?? throw ApiException.NotFound("runner", request.RunnerId);
        if (session != request.SessionId)
        {
            throw Claimed(node, attempt, "the runner has begun a new session");
        }

        var taken = await work.ExecuteAsync(
            """
            UPDATE job_nodes SET runner_id = @RunnerId, session_id = @SessionId, host = @Host, claimed_at = coalesce(claimed_at, @now)
            WHERE job_id = @id AND attempt = @attempt AND node = @node AND ended_at IS NULL
              AND (runner_id IS NULL OR (runner_id = @RunnerId AND session_id = @SessionId))
            """,
            new { id = job.Id, attempt, node, request.RunnerId, request.SessionId, request.Host, now = time.GetUtcNow() });
        return taken == 1 ? attemptRow : throw Claimed(node, attempt, "another runner has it, or it has ended");
    }

    private async Task<IReadOnlyList<AssignedDataset>> DatasetsAsync(JobRow job, string origin, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = (await connection.QueryAsync<(string Name, string VersionId)>(new CommandDefinition(
            "SELECT name, version_id FROM job_datasets WHERE job_id = @id ORDER BY name", new { id = job.Id }, cancellationToken: cancellationToken))).AsList();
        var versions = await inputs.DownloadsAsync(
            job.ProjectId, [.. rows.Select(static row => row.VersionId)], origin, options.Value.DatasetUrlLifetime, cancellationToken);
        return
        [
            .. rows.Where(row => versions.ContainsKey(row.VersionId))
                .Select(row => new AssignedDataset(row.Name, versions[row.VersionId].Version, versions[row.VersionId].Files)),
        ];
    }

    private async Task<Artifact?> CheckpointAsync(JobRow job, JobAttemptRow attempt, CancellationToken cancellationToken)
        => attempt.CheckpointPath is { } path ? await artifacts.DownloadAsync(job.RunId, path, options.Value.DatasetUrlLifetime, cancellationToken) : null;

    private static ApiException Claimed(int node, int attempt, string why) => new(ErrorCodes.NodeClaimed, node, attempt, why);
}
