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
    private const string Live = "e.deleted_at IS NULL AND (e.id = @experiment OR lower(e.name) = lower(@experiment))";

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
    {
        var experiment = (string)path["experiment"]!;
        return projects.RequireInAsync<Experiment>(
            path,
            caller,
            new ReachQuery($"SELECT {Columns} FROM experiments e WHERE e.project_id = {ProjectAccess.Named} AND {Live}", new { experiment }, "experiment", experiment),
            cancellationToken);
    }

    /// <summary>Creates an experiment.</summary>
    /// <exception cref="ApiException">409 <c>already_exists</c>.</exception>
    public async Task<Experiment> CreateAsync(string projectId, CreateExperimentRequest request, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            return await connection.QuerySingleAsync<Experiment>(new CommandDefinition(
                $"""
                INSERT INTO experiments AS e (id, project_id, name, description, created_by, created_at, updated_at)
                VALUES (@id, @projectId, @name, @description, @by, @now, @now)
                RETURNING {Columns}
                """,
                new
                {
                    id = Ids.New(time),
                    projectId,
                    name = request.Name,
                    description = request.Description,
                    by = caller.UserId,
                    now = time.GetUtcNow(),
                },
                cancellationToken: cancellationToken));
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "experiments_name"))
        {
            throw ApiException.AlreadyExists("experiment", request.Name);
        }
    }

    /// <summary>A live experiment by id or name.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<Experiment> GetAsync(string projectId, string experiment, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Experiment>(new CommandDefinition(
                $"SELECT {Columns} FROM experiments e WHERE e.project_id = @projectId AND {Live}", new { projectId, experiment }, cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("experiment", experiment);
    }

    /// <summary>One more live experiment than asked for, newest first.</summary>
    public async Task<IEnumerable<Experiment>> ListAsync(string projectId, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<Experiment>(new CommandDefinition(
            $"""
            SELECT {Columns} FROM experiments e
            WHERE e.project_id = @projectId AND e.deleted_at IS NULL AND (@after::text IS NULL OR e.id < @after)
            ORDER BY e.id DESC LIMIT @limit
            """,
            new { projectId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>Deletes softly, or takes that back. Repeating either changes nothing.</summary>
    /// <exception cref="ApiException">404; 409 when the name was taken meanwhile.</exception>
    public async Task SetDeletedAsync(string projectId, string experiment, bool deleted, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            var changed = await connection.ExecuteAsync(new CommandDefinition(
                """
                UPDATE experiments SET deleted_at = CASE WHEN @deleted THEN coalesce(deleted_at, @now) END, updated_at = @now
                WHERE project_id = @projectId AND purged_at IS NULL AND (id = @experiment OR (@deleted AND deleted_at IS NULL AND lower(name) = lower(@experiment)))
                """,
                new { projectId, experiment, deleted, now = time.GetUtcNow() },
                cancellationToken: cancellationToken));
            if (changed == 0)
            {
                throw ApiException.NotFound("experiment", experiment);
            }
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "experiments_name"))
        {
            throw ApiException.AlreadyExists("experiment", experiment);
        }
    }
}
