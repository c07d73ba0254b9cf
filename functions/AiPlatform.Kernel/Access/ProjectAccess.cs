using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Kernel.Access;

/// <summary>The rule who reaches a project: its owner, administrators and services; for everybody else it does not exist.</summary>
public sealed class ProjectAccess(Database database)
{
    /// <summary>The rule as a condition on <c>projects p</c>; parameters are <c>@project</c>, an id or name, and <c>@owner</c>, the caller's owner filter.</summary>
    public const string Reachable = "(p.id = @project OR p.name = @project) AND p.deleted_at IS NULL AND (@owner::text IS NULL OR p.owner_id = @owner)";

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
                $"SELECT p.id FROM projects p WHERE {Reachable}",
                new { project, owner = caller.OwnerFilter },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("project", project);
}
