using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Npgsql;

namespace AiPlatform.Tracking.Views;

/// <summary>Saved views. Private ones exist only for their author; shared ones are seen by all and changed by their author and administrators.</summary>
internal sealed class ViewStore(Database database, ProjectAccess projects, TimeProvider time) : IReach<ViewRow>
{
    private const string Columns = "v.id, v.project_id, v.experiment_id, v.name, v.shared, v.settings, v.author_id, v.version, v.created_at, v.updated_at";
    private const string Unique = "run_views_name";

    /// <summary>Saves a view.</summary>
    /// <exception cref="ApiException">409 <c>already_exists</c>.</exception>
    public async Task<ViewRow> CreateAsync(string projectId, string? experimentId, CreateRunViewRequest request, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            return await connection.QuerySingleAsync<ViewRow>(new CommandDefinition(
                $"""
                INSERT INTO run_views AS v (id, project_id, experiment_id, name, shared, settings, author_id, created_at, updated_at)
                VALUES (@id, @projectId, @experimentId, @name, @shared, @settings::jsonb, @author, @now, @now) RETURNING {Columns}
                """,
                new
                {
                    id = Ids.New(time),
                    projectId,
                    experimentId,
                    name = request.Name,
                    shared = request.Shared,
                    settings = JsonSerializer.Serialize(request.Settings, ContractsJson.Strict),
                    author = caller.UserId,
                    now = time.GetUtcNow(),
                },
                cancellationToken: cancellationToken));
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, Unique))
        {
            throw ApiException.AlreadyExists("runView", request.Name);
        }
    }

    /// <summary>One more view that the caller sees than asked for, newest first.</summary>
    public async Task<IEnumerable<ViewRow>> ListAsync(
        string projectId, string? experimentId, Caller caller, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<ViewRow>(new CommandDefinition(
            $"""
            SELECT {Columns} FROM run_views v
            WHERE v.project_id = @projectId AND (v.shared OR v.author_id = @author) AND (@experimentId::text IS NULL OR v.experiment_id = @experimentId)
              AND (@after::text IS NULL OR v.id < @after)
            ORDER BY v.id DESC LIMIT @limit
            """,
            new { projectId, experimentId, author = caller.UserId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <inheritdoc />
    Task<ViewRow> IReach<ViewRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
    {
        var view = path.Text("view");
        return projects.RequireInAsync<ViewRow>(
            path,
            caller,
            new ReachQuery(
                $"SELECT {Columns} FROM run_views v WHERE v.project_id = {ProjectAccess.Named} AND v.id = @view AND (v.shared OR v.author_id = @author)",
                new { view, author = caller.UserId },
                "runView",
                view),
            cancellationToken);
    }

    /// <summary>Changes a view.</summary>
    /// <exception cref="ApiException">403 for somebody else's; 409 for a name that is taken; 412.</exception>
    public async Task<ViewRow> UpdateAsync(ViewRow view, UpdateRunViewRequest request, long? expected, Caller caller, CancellationToken cancellationToken)
    {
        RequireOwn(view, caller);
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            return await connection.QuerySingleOrDefaultAsync<ViewRow>(new CommandDefinition(
                    $"""
                    UPDATE run_views v SET name = coalesce(@name, name), shared = coalesce(@shared, shared), settings = coalesce(@settings::jsonb, settings),
                        version = version + 1, updated_at = @now
                    WHERE v.id = @Id AND (@expected::bigint IS NULL OR v.version = @expected) RETURNING {Columns}
                    """,
                    new
                    {
                        view.Id,
                        name = request.Name,
                        shared = request.Shared,
                        settings = request.Settings is null ? null : JsonSerializer.Serialize(request.Settings, ContractsJson.Strict),
                        expected,
                        now = time.GetUtcNow(),
                    },
                    cancellationToken: cancellationToken))
                ?? throw new ApiException(ErrorCodes.PreconditionFailed);
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, Unique))
        {
            throw ApiException.AlreadyExists("runView", request.Name!);
        }
    }

    /// <summary>Deletes a view.</summary>
    /// <exception cref="ApiException">403 for somebody else's; 412.</exception>
    public async Task DeleteAsync(ViewRow view, long? expected, Caller caller, CancellationToken cancellationToken)
    {
        RequireOwn(view, caller);
        await using var connection = await database.OpenAsync(cancellationToken);
        var deleted = await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM run_views WHERE id = @Id AND (@expected::bigint IS NULL OR version = @expected)", new { view.Id, expected }, cancellationToken: cancellationToken));
        if (deleted == 0)
        {
            throw new ApiException(ErrorCodes.PreconditionFailed);
        }
    }

    private static void RequireOwn(ViewRow view, Caller caller)
    {
        if (view.AuthorId != caller.UserId && caller.Role != CallerRole.Administrator)
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }
    }
}

/// <summary>A row of <c>run_views</c>.</summary>
internal sealed class ViewRow : IReachable
{
    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public string? ExperimentId { get; init; }

    public required string Name { get; init; }

    public bool Shared { get; init; }

    public required string Settings { get; init; }

    public string? AuthorId { get; init; }

    public long Version { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public RunView ToContract()
        => new(Id, ProjectId, ExperimentId, Name, Shared, JsonSerializer.Deserialize<RunViewSettings>(Settings, ContractsJson.Tolerant)!, AuthorId, Version, CreatedAt, UpdatedAt);
}
