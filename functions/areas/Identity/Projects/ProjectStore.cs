using AiPlatform.Contracts;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Npgsql;

namespace AiPlatform.Identity.Projects;

/// <summary>Projects in PostgreSQL. Ownership is in every <c>WHERE</c>: what the caller may not see does not exist.</summary>
internal sealed class ProjectStore(Database database, TimeProvider time)
{
    private const string Columns = "id, name, description, owner_id, version, created_at, updated_at";
    private const string Reachable = "(id = @project OR name = @project) AND deleted_at IS NULL AND (@owner::text IS NULL OR owner_id = @owner)";

    /// <summary>Creates a project; 409 when the name is taken.</summary>
    public Task<ProjectRow> CreateAsync(string name, string? description, string ownerId, CancellationToken cancellationToken)
        => UniqueAsync(
            name,
            connection => connection.QuerySingleAsync<ProjectRow>(new CommandDefinition(
                $"INSERT INTO projects (id, name, description, owner_id, created_at, updated_at) VALUES (@id, @name, @description, @ownerId, @now, @now) RETURNING {Columns}",
                new { id = Ids.New(time), name, description, ownerId, now = time.GetUtcNow() },
                cancellationToken: cancellationToken)),
            cancellationToken);

    /// <summary>A live project that the caller reaches.</summary>
    public async Task<ProjectRow?> FindAsync(string project, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ProjectRow>(new CommandDefinition(
            $"SELECT {Columns} FROM projects WHERE {Reachable}", new { project, owner = caller.OwnerFilter }, cancellationToken: cancellationToken));
    }

    /// <summary>Live projects that the caller reaches, newest first.</summary>
    public async Task<IReadOnlyList<ProjectRow>> ListAsync(Caller caller, string? before, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var owner = caller.OwnerFilter is null ? string.Empty : "AND owner_id = @owner";
        var position = before is null ? string.Empty : "AND id < @before";
        return (await connection.QueryAsync<ProjectRow>(new CommandDefinition(
            $"SELECT {Columns} FROM projects WHERE deleted_at IS NULL {owner} {position} ORDER BY id DESC LIMIT @limit",
            new { owner = caller.OwnerFilter, before, limit },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>Changes the fields that are given. 404 when the caller does not reach it, 412 when <paramref name="expected"/> is not its version, 409 when the name is taken.</summary>
    public Task<ProjectRow> UpdateAsync(string project, Caller caller, string? name, string? description, long? expected, CancellationToken cancellationToken)
        => UniqueAsync(
            name ?? project,
            async connection => await connection.QuerySingleOrDefaultAsync<ProjectRow>(new CommandDefinition(
                    $"""
                    UPDATE projects
                    SET name = coalesce(@name, name), description = coalesce(@description, description), version = version + 1, updated_at = @now
                    WHERE {Reachable} AND (@expected::bigint IS NULL OR version = @expected)
                    RETURNING {Columns}
                    """,
                    new { project, owner = caller.OwnerFilter, name, description, expected, now = time.GetUtcNow() },
                    cancellationToken: cancellationToken))
                ?? throw await MissingAsync(project, caller, cancellationToken),
            cancellationToken);

    /// <summary>Deletes a project; it can be restored. Errors as for an update.</summary>
    public async Task DeleteAsync(string project, Caller caller, long? expected, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var deleted = await connection.ExecuteAsync(new CommandDefinition(
            $"UPDATE projects SET deleted_at = @now, version = version + 1, updated_at = @now WHERE {Reachable} AND (@expected::bigint IS NULL OR version = @expected)",
            new { project, owner = caller.OwnerFilter, expected, now = time.GetUtcNow() },
            cancellationToken: cancellationToken));
        if (deleted == 0)
        {
            throw await MissingAsync(project, caller, cancellationToken);
        }
    }

    /// <summary>Brings a deleted project back; 409 when its name was taken in the meantime. A live project is returned as it is.</summary>
    public Task<ProjectRow> RestoreAsync(string id, Caller caller, CancellationToken cancellationToken)
        => UniqueAsync(
            id,
            async connection => await connection.QuerySingleOrDefaultAsync<ProjectRow>(new CommandDefinition(
                    $"""
                    UPDATE projects SET deleted_at = NULL, version = version + (CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END), updated_at = @now
                    WHERE id = @id AND purged_at IS NULL AND (@owner::text IS NULL OR owner_id = @owner)
                    RETURNING {Columns}
                    """,
                    new { id, owner = caller.OwnerFilter, now = time.GetUtcNow() },
                    cancellationToken: cancellationToken))
                ?? throw ApiException.NotFound("project", id),
            cancellationToken);

    private async Task<ApiException> MissingAsync(string project, Caller caller, CancellationToken cancellationToken)
        => await FindAsync(project, caller, cancellationToken) is null
            ? ApiException.NotFound("project", project)
            : new ApiException(ErrorCodes.PreconditionFailed);

    private async Task<ProjectRow> UniqueAsync(string name, Func<NpgsqlConnection, Task<ProjectRow>> write, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            return await write(connection);
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "projects_name"))
        {
            throw ApiException.AlreadyExists("project", name);
        }
    }
}
