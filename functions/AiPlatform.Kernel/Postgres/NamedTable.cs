using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using Dapper;
using Npgsql;

namespace AiPlatform.Kernel.Postgres;

/// <summary>
/// What tables have in common whose rows are named things of projects: an id that grows with time, a name that is unique among a project's
/// live rows (by an index called after the table, <c>datasets_name</c>), and a deletion that can be taken back until the row is purged.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="projects">Who reaches a project.</param>
/// <param name="kind">What a row is, in paths and errors: <c>dataset</c>.</param>
/// <param name="from">The table with its alias, as statements name it: <c>FROM things t</c>.</param>
/// <param name="columns">The columns of <typeparamref name="T"/>, with the alias.</param>
public sealed class NamedTable<T>(Database database, ProjectAccess projects, string kind, string from, string columns)
    where T : class
{
    private readonly string _name = from.Split(' ')[1];
    private readonly string _alias = from.Split(' ')[2];

    /// <summary>The condition that a row is live and has the id or the name that the parameter called after the kind has.</summary>
    public string Live => $"{_alias}.deleted_at IS NULL AND ({_alias}.id = @{kind} OR lower({_alias}.name) = lower(@{kind}))";

    /// <summary>The live row that a path names and the caller reaches.</summary>
    /// <exception cref="ApiException">404.</exception>
    public Task<T> ReachAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
        => projects.RequireInAsync<T>(
            path,
            caller,
            new ReachQuery(
                $"SELECT {columns} {from} WHERE {_alias}.project_id = {ProjectAccess.Named} AND {Live}", Parameters(path.Text(kind)), kind, path.Text(kind)),
            cancellationToken);

    /// <summary>A live row of a project by id or name.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<T> GetAsync(string projectId, string thing, CancellationToken cancellationToken)
    {
        var parameters = Parameters(thing);
        parameters.Add("projectId", projectId);
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<T>(new CommandDefinition(
                $"SELECT {columns} {from} WHERE {_alias}.project_id = @projectId AND {Live}", parameters, cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound(kind, thing);
    }

    /// <summary>One more live row of a project than asked for, newest first.</summary>
    public async Task<IEnumerable<T>> ListAsync(string projectId, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QueryAsync<T>(new CommandDefinition(
            $"""
            SELECT {columns} {from}
            WHERE {_alias}.project_id = @projectId AND {_alias}.deleted_at IS NULL AND (@after::text IS NULL OR {_alias}.id < @after)
            ORDER BY {_alias}.id DESC LIMIT @limit
            """,
            new { projectId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>Runs a statement that gives a row this name; null where the statement finds no row.</summary>
    /// <exception cref="ApiException">409 <c>already_exists</c>.</exception>
    public async Task<T?> WriteAsync(string? name, string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            return await connection.QuerySingleOrDefaultAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken));
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, $"{_name}_name"))
        {
            throw ApiException.AlreadyExists(kind, name ?? string.Empty);
        }
    }

    /// <summary>Deletes softly, by id or name, or takes that back, by id. Repeating either changes nothing.</summary>
    /// <exception cref="ApiException">404; 409 when the name was taken meanwhile.</exception>
    public async Task SetDeletedAsync(string projectId, string thing, bool deleted, DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            var changed = await connection.ExecuteAsync(new CommandDefinition(
                $"""
                UPDATE {_name} SET deleted_at = CASE WHEN @deleted THEN coalesce(deleted_at, @now) END, updated_at = @now
                WHERE project_id = @projectId AND purged_at IS NULL AND (id = @thing OR (@deleted AND deleted_at IS NULL AND lower(name) = lower(@thing)))
                """,
                new { projectId, thing, deleted, now },
                cancellationToken: cancellationToken));
            if (changed == 0)
            {
                throw ApiException.NotFound(kind, thing);
            }
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, $"{_name}_name"))
        {
            throw ApiException.AlreadyExists(kind, thing);
        }
    }

    private DynamicParameters Parameters(string thing)
    {
        var parameters = new DynamicParameters();
        parameters.Add(kind, thing);
        return parameters;
    }
}
