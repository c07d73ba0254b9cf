using System.Collections.Concurrent;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.MLflow.Artifacts;
using AiPlatform.Functions.MLflow.Http;
using Dapper;

namespace AiPlatform.Functions.MLflow.Tracking;

/// <summary>A row of <c>experiments</c> as MLflow clients see it.</summary>
internal sealed class ExperimentRow
{
    public const string Columns = "e.id, e.name, e.is_default, e.artifact_location, e.tags::text AS tags, e.created_at, e.updated_at, e.deleted_at";

    public required string Id { get; init; }

    public required string Name { get; init; }

    public bool IsDefault { get; init; }

    public string? ArtifactLocation { get; init; }

    public required string Tags { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>The id as clients know it.</summary>
    public string PublicId => IsDefault ? ExperimentDirectory.DefaultId : Id;

    public string LifecycleStage => DeletedAt is null ? "active" : "deleted";
}

/// <summary>Finds experiments by the ids that clients use: <c>0</c> is the project's default experiment, which always exists.</summary>
internal sealed class ExperimentDirectory(Database database, DirectArtifacts artifacts, TimeProvider time)
{
    public const string DefaultId = "0";
    private const string DefaultName = "Default";
    private const int MaxEntries = 10_000;

    private static readonly TimeSpan Life = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<string, string> _defaults = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Project, string Id), (ExperimentRow Row, long Until)> _active = new();

    /// <summary>The stored id of an id that a client sent; the experiment need not exist.</summary>
    public async ValueTask<string> ResolveAsync(string projectId, string experimentId, CancellationToken cancellationToken)
        => experimentId != DefaultId ? experimentId : await DefaultAsync(projectId, cancellationToken);

    /// <summary>An experiment of the project, deleted or not.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<ExperimentRow> RequireAsync(string projectId, string experimentId, CancellationToken cancellationToken)
    {
        var id = await ResolveAsync(projectId, experimentId, cancellationToken);
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ExperimentRow>(new CommandDefinition(
                $"SELECT {ExperimentRow.Columns} FROM experiments e WHERE e.project_id = @projectId AND e.id = @id AND e.purged_at IS NULL", new { projectId, id }, cancellationToken: cancellationToken))
            ?? throw MLflowException.Missing($"No Experiment with id={experimentId} exists");
    }

    /// <summary>As <see cref="RequireAsync"/>, for changes.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST, or INVALID_PARAMETER_VALUE for a deleted experiment.</exception>
    public async Task<ExperimentRow> RequireActiveAsync(string projectId, string experimentId, CancellationToken cancellationToken)
    {
        var row = await RequireAsync(projectId, experimentId, cancellationToken);
        return row.DeletedAt is null
            ? row
            : throw MLflowException.Invalid($"The experiment {experimentId} must be in the 'active' state. Current state is deleted.");
    }

    /// <summary>As <see cref="RequireActiveAsync"/>, remembered for a moment: sweeps create thousands of runs in one experiment. This instance forgets what it changes.</summary>
    public async ValueTask<ExperimentRow> RequireActiveRecentAsync(string projectId, string experimentId, CancellationToken cancellationToken)
    {
        if (_active.TryGetValue((projectId, experimentId), out var entry) && entry.Until > time.GetTimestamp())
        {
            return entry.Row;
        }

        var row = await RequireActiveAsync(projectId, experimentId, cancellationToken);
        if (_active.Count >= MaxEntries)
        {
            _active.Clear();
        }

        _active[(projectId, experimentId)] = (row, time.GetTimestamp() + (long)(Life.TotalSeconds * time.TimestampFrequency));
        return row;
    }

    /// <summary>Forgets which experiments are active.</summary>
    public void Forget() => _active.Clear();

    /// <summary>The stored id of the project's default experiment, made when there is none. One that people named so becomes it.</summary>
    public async ValueTask<string> DefaultAsync(string projectId, CancellationToken cancellationToken)
    {
        if (_defaults.TryGetValue(projectId, out var known))
        {
            return known;
        }

        const string select = "SELECT id FROM experiments WHERE project_id = @projectId AND is_default";
        var fresh = Ids.New(time);
        await using var connection = await database.OpenAsync(cancellationToken);
        var id = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(select, new { projectId }, cancellationToken: cancellationToken))
            ?? await connection.ExecuteScalarAsync<string>(new CommandDefinition(
                $"""
                INSERT INTO experiments (id, project_id, name, is_default, artifact_location, created_at, updated_at) VALUES (@fresh, @projectId, @DefaultName, true, @location, @now, @now)
                ON CONFLICT (project_id, lower(name)) WHERE deleted_at IS NULL DO UPDATE SET is_default = true;
                {select}
                """,
                new { fresh, location = artifacts.LocationOf(fresh, null), projectId, DefaultName, now = time.GetUtcNow() },
                cancellationToken: cancellationToken));
        if (_defaults.Count >= MaxEntries)
        {
            _defaults.Clear();
        }

        return _defaults[projectId] = id!;
    }
}
