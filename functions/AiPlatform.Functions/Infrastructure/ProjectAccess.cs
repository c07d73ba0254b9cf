using Dapper;

namespace AiPlatform.Functions.Infrastructure;

/// <summary>The rule who reaches a project: its owner, administrators and services; for everybody else it does not exist.</summary>
internal sealed class ProjectAccess(Database database)
{
    /// <summary>The id of a live project that the caller reaches.</summary>
    /// <param name="project">Its id or name.</param>
    /// <exception cref="ApiException">404 <c>not_found</c>.</exception>
    public async Task<string> RequireAsync(string project, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await RequireAsync(connection, project, caller, cancellationToken);
    }

    /// <summary>As the other overload, on an open connection (inside its transaction, when there is one).</summary>
    public static async Task<string> RequireAsync(Npgsql.NpgsqlConnection connection, string project, Caller caller, CancellationToken cancellationToken)
        => await connection.QuerySingleOrDefaultAsync<string>(new CommandDefinition(
                """
                SELECT id FROM projects
                WHERE (id = @project OR name = @project) AND deleted_at IS NULL AND (@owner::text IS NULL OR owner_id = @owner)
                """,
                new { project, owner = caller.OwnerFilter },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("project", project);
}
