using System.Collections.Concurrent;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using Dapper;

namespace AiPlatform.Tracking.Runs;

/// <summary>What every request about a run has to know.</summary>
internal sealed class KnownRun
{
    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string ExperimentId { get; init; }

    public required string OwnerId { get; init; }

    public string? JobId { get; init; }

    public bool Deleted { get; init; }

    /// <summary>Where clients write the experiment's artifacts themselves; null when they go through the proxy.</summary>
    public string? ArtifactLocation { get; init; }

    /// <summary>The experiment's id as clients know it.</summary>
    public required string PublicExperimentId { get; init; }
}

/// <summary>
/// Finds runs and decides who reaches them; remembered for a moment, because clients that log ask again and again. This
/// instance forgets a run that it changes; another one writes on for at most that moment into a run that was deleted.
/// </summary>
internal sealed class RunDirectory(Database database, TimeProvider time)
{
    private const int MaxEntries = 20_000;
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, (KnownRun Run, long Until)> _entries = new(StringComparer.Ordinal);

    /// <summary>A run that the caller reaches, deleted or not.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async ValueTask<KnownRun> RequireAsync(string runId, Caller caller, CancellationToken cancellationToken)
        => await FindAsync(runId, caller, cancellationToken) ?? throw MLflowException.Missing($"Run with id={runId} not found");

    /// <summary>As <see cref="RequireAsync"/>; null when there is none.</summary>
    public async ValueTask<KnownRun?> FindAsync(string runId, Caller caller, CancellationToken cancellationToken)
    {
        var run = _entries.TryGetValue(runId, out var entry) && entry.Until > Now ? entry.Run : await ReadAsync(runId, cancellationToken);
        return run is not null && (caller.CanReach(run.OwnerId) || caller.IsJobOf(run.Id)) ? run : null;
    }

    /// <summary>
    /// What something names as its origin: a run of the project, or the id of one that is not known here. Registries stand apart from
    /// tracking servers, and copies between servers keep the names of their runs.
    /// </summary>
    public async ValueTask<(KnownRun? Run, string? ForeignId)> LinkAsync(string? runId, string projectId, Caller caller, CancellationToken cancellationToken)
        => runId is not { Length: > 0 } ? (null, null)
            : await FindAsync(runId, caller, cancellationToken) is { } run && run.ProjectId == projectId ? (run, null)
            : (null, Names.Value(runId, "run id", "run_id", Names.MaxKey));

    /// <summary>As <see cref="RequireAsync"/>, for changes: the run must be active.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST, or INVALID_PARAMETER_VALUE for a deleted run.</exception>
    public async ValueTask<KnownRun> RequireActiveAsync(string runId, Caller caller, CancellationToken cancellationToken)
    {
        var run = await RequireAsync(runId, caller, cancellationToken);
        return run.Deleted ? throw MLflowException.Invalid($"The run {runId} must be in the 'active' state. Current state is deleted.") : run;
    }

    /// <summary>Forgets what this instance has changed.</summary>
    public void Forget(string runId) => _entries.TryRemove(runId, out _);

    /// <summary>Forgets everything: an experiment was deleted with all its runs.</summary>
    public void Clear() => _entries.Clear();

    private long Now => time.GetTimestamp();

    private async Task<KnownRun?> ReadAsync(string runId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var run = await connection.QuerySingleOrDefaultAsync<KnownRun>(new CommandDefinition(
            $"""
            SELECT r.id, r.project_id, r.experiment_id, p.owner_id, r.job_id, r.deleted_at IS NOT NULL AS deleted, e.mlflow_id AS public_experiment_id, e.artifact_location
            FROM runs r JOIN {ProjectAccess.Owners} p ON p.id = r.project_id JOIN experiments e ON e.id = r.experiment_id
            WHERE r.id = @runId AND r.purged_at IS NULL
            """,
            new { runId },
            cancellationToken: cancellationToken));
        if (run is not null)
        {
            if (_entries.Count >= MaxEntries)
            {
                _entries.Clear();
            }

            _entries[runId] = (run, Now + (long)(Life.TotalSeconds * time.TimestampFrequency));
        }

        return run;
    }
}
