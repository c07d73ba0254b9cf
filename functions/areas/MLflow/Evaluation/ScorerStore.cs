using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Experiments;
using Dapper;

namespace AiPlatform.MLflow.Evaluation;

/// <summary>A version of a scorer.</summary>
internal sealed class ScorerRow
{
    public required string ScorerId { get; init; }

    public required string Name { get; init; }

    public int Version { get; init; }

    public required string Serialized { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Scorers of experiments: what judges answers of models; each registration of a name is a version.</summary>
internal sealed class ScorerStore(Database database, TimeProvider time)
{
    private const string Columns = "s.id AS scorer_id, s.name, v.version, v.serialized, v.created_at";
    private const int MaxVersions = 1_000;
    private const int MaxListed = 1_000;

    /// <summary>Adds a version.</summary>
    public Task<ScorerRow> RegisterAsync(ExperimentRow experiment, string projectId, string name, string serialized, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var now = time.GetUtcNow();
                var scorer = await work.SingleAsync<(string Id, int Version)>(
                    """
                    INSERT INTO scorers AS s (id, project_id, experiment_id, name, last_version) VALUES (@id, @projectId, @experiment, @name, 1)
                    ON CONFLICT (experiment_id, name) DO UPDATE SET last_version = s.last_version + 1 RETURNING id, last_version
                    """,
                    new { id = $"{Guid.CreateVersion7(now)}", projectId, experiment = experiment.Id, name });
                if (await work.SingleAsync<int>("SELECT count(*) FROM scorers WHERE experiment_id = @Id", new { experiment.Id }) > MaxListed)
                {
                    throw MLflowException.Invalid($"An experiment can have at most {MaxListed} scorers.");
                }

                var added = await work.ExecuteAsync(
                    """
                    INSERT INTO scorer_versions (scorer_id, version, serialized, created_at)
                    SELECT @Id, @Version, @serialized, @now WHERE (SELECT count(*) FROM scorer_versions WHERE scorer_id = @Id) < @MaxVersions
                    """,
                    new { scorer.Id, scorer.Version, serialized, now, MaxVersions });
                return added == 1
                    ? new ScorerRow { ScorerId = scorer.Id, Name = name, Version = scorer.Version, Serialized = serialized, CreatedAt = now }
                    : throw MLflowException.Invalid($"A scorer can have at most {MaxVersions} versions.");
            },
            cancellationToken);

    /// <summary>The newest version of each scorer of an experiment, by name.</summary>
    public Task<IReadOnlyList<ScorerRow>> ListAsync(ExperimentRow experiment, CancellationToken cancellationToken)
        => QueryAsync(
            $"""
            SELECT DISTINCT ON (s.name) {Columns} FROM scorers s JOIN scorer_versions v ON v.scorer_id = s.id WHERE s.experiment_id = @Id
            ORDER BY s.name, v.version DESC LIMIT {MaxListed}
            """,
            new { experiment.Id },
            cancellationToken);

    /// <summary>All versions of a scorer.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<IReadOnlyList<ScorerRow>> VersionsAsync(ExperimentRow experiment, string name, CancellationToken cancellationToken)
    {
        var rows = await QueryAsync(
            $"SELECT {Columns} FROM scorers s JOIN scorer_versions v ON v.scorer_id = s.id WHERE s.experiment_id = @Id AND s.name = @name ORDER BY v.version",
            new { experiment.Id, name },
            cancellationToken);
        return rows.Count > 0 ? rows : throw Missing(experiment, name, null);
    }

    /// <summary>One version, or the newest.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<ScorerRow> RequireAsync(ExperimentRow experiment, string name, long? version, CancellationToken cancellationToken)
        => (await QueryAsync(
                $"""
                SELECT {Columns} FROM scorers s JOIN scorer_versions v ON v.scorer_id = s.id
                WHERE s.experiment_id = @Id AND s.name = @name AND (@version::bigint IS NULL OR v.version = @version) ORDER BY v.version DESC LIMIT 1
                """,
                new { experiment.Id, name, version },
                cancellationToken)).SingleOrDefault()
            ?? throw Missing(experiment, name, version);

    /// <summary>Deletes a version, or the scorer with all of them.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task DeleteAsync(ExperimentRow experiment, string name, long? version, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var deleted = await connection.ExecuteAsync(new CommandDefinition(
            version is null
                ? "DELETE FROM scorers WHERE experiment_id = @Id AND name = @name"
                : "DELETE FROM scorer_versions v USING scorers s WHERE s.id = v.scorer_id AND s.experiment_id = @Id AND s.name = @name AND v.version = @version",
            new { experiment.Id, name, version },
            cancellationToken: cancellationToken));
        if (deleted == 0)
        {
            throw Missing(experiment, name, version);
        }
    }

    private static MLflowException Missing(ExperimentRow experiment, string name, long? version)
        => MLflowException.Missing($"Scorer with name '{name}'{(version is null ? string.Empty : $" and version {version}")} not found for experiment {experiment.PublicId}.");

    private async Task<IReadOnlyList<ScorerRow>> QueryAsync(string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<ScorerRow>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken))).AsList();
    }
}
