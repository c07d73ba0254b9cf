using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Npgsql;

namespace AiPlatform.Tracking.Experiments;

/// <summary>Experiments in PostgreSQL.</summary>
internal sealed class ExperimentStore(Database database, ProjectAccess projects, TimeProvider time) : IReach<Experiment>
{
    private const string Columns = "e.id, e.project_id, e.name, e.description, e.created_at";

    private readonly NamedTable<Experiment> _experiments = new(database, projects, "experiment", "FROM experiments e", Columns);

    /// <summary>
    /// The id of the project's live experiment with this name, made when there is none. Runs inside the caller's
    /// transaction.
    /// </summary>
    public async Task<string> EnsureAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, string projectId, string name, Caller caller, CancellationToken cancellationToken)
        => await connection.QuerySingleAsync<string>(new CommandDefinition(
            """
            WITH added AS (
                INSERT INTO experiments (id, project_id, name, created_by, created_at, updated_at)
                VALUES (@id, @projectId, @name, @by, @now, @now)
                ON CONFLICT (project_id, lower(name)) WHERE deleted_at IS NULL DO UPDATE SET updated_at = experiments.updated_at
                RETURNING id
            )
            SELECT id FROM added
            """,
            new { id = Ids.New(time), projectId, name, by = caller.UserId, now = time.GetUtcNow() },
            transaction,
            cancellationToken: cancellationToken));

    /// <inheritdoc />
    Task<Experiment> IReach<Experiment>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
        => _experiments.ReachAsync(path, caller, cancellationToken);

    /// <summary>Creates an experiment.</summary>
    /// <exception cref="ApiException">409 <c>already_exists</c>.</exception>
    public async Task<Experiment> CreateAsync(string projectId, CreateExperimentRequest request, Caller caller, CancellationToken cancellationToken)
        => (await _experiments.WriteAsync(
            request.Name,
            $"""
            INSERT INTO experiments AS e (id, project_id, name, description, created_by, created_at, updated_at)
            VALUES (@id, @projectId, @name, @description, @by, @now, @now)
            RETURNING {Columns}
            """,
            new { id = Ids.New(time), projectId, name = request.Name, description = request.Description, by = caller.UserId, now = time.GetUtcNow() },
            cancellationToken))!;

    /// <summary>A live experiment by id or name.</summary>
    /// <exception cref="ApiException">404.</exception>
    public Task<Experiment> GetAsync(string projectId, string experiment, CancellationToken cancellationToken)
        => _experiments.GetAsync(projectId, experiment, cancellationToken);

    /// <summary>One more live experiment than asked for, newest first.</summary>
    public Task<IEnumerable<Experiment>> ListAsync(string projectId, string? after, int size, CancellationToken cancellationToken)
        => _experiments.ListAsync(projectId, after, size, cancellationToken);

    /// <summary>Deletes softly, or takes that back. Repeating either changes nothing.</summary>
    /// <exception cref="ApiException">404; 409 when the name was taken meanwhile.</exception>
    public Task SetDeletedAsync(string projectId, string experiment, bool deleted, CancellationToken cancellationToken)
        => _experiments.SetDeletedAsync(projectId, experiment, deleted, time.GetUtcNow(), cancellationToken);
}
