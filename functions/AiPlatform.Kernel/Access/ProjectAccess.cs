using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Kernel.Access;

/// <summary>A project, as every area knows it.</summary>
public sealed record ProjectIdentity(string Id, string Name) : IReachable;

/// <summary>How one thing of a project is found.</summary>
/// <param name="Sql">A statement for one row, whose project is <see cref="ProjectAccess.Named"/>.</param>
/// <param name="Parameters">Its other parameters.</param>
/// <param name="Kind">What it is, for the error that it is not there.</param>
/// <param name="Name">What it is called, for that error.</param>
public sealed record ReachQuery(string Sql, object Parameters, string Kind, string Name);

/// <summary>
/// The rule who reaches a project, and with it what belongs to it: its owner, administrators and services; for everybody else it does not
/// exist. Statements of areas interpolate it; the parameters are <c>@owner</c>, <see cref="Caller.OwnerFilter"/>, and where it says so
/// <c>@platform</c>, <see cref="Caller.IsPlatform"/>.
/// </summary>
public sealed class ProjectAccess(Database database) : IReach<ProjectIdentity>
{
    /// <summary>The id of the live project that <c>@project</c> names, by id or name, when the caller reaches it.</summary>
    public const string Named = $"(SELECT reached.id FROM projects reached WHERE (reached.id = @project OR reached.name = @project) AND {Live} AND {Owned})";

    private const string Live = "reached.deleted_at IS NULL";
    private const string IsOwner = "@owner::text IS NULL OR reached.owner_id = @owner";
    private const string Owned = $"({IsOwner})";

    /// <summary>The condition that a column has the id of a live project that the caller reaches.</summary>
    /// <param name="column">An expression of SQL, such as <c>r.project_id</c>.</param>
    public static string Reaches(string column) => Exists(column, $"{Live} AND {Owned}");

    /// <summary>As <see cref="Reaches"/>, or for another reason, such as that a job asks for its own.</summary>
    public static string ReachesOr(string column, string otherwise) => Exists(column, $"{Live} AND ({IsOwner} OR {otherwise})");

    /// <summary>As <see cref="Reaches"/>; the platform itself reaches things of deleted projects too, to bring to its end what runs.</summary>
    public static string ReachesToEnd(string column) => Exists(column, $"(@platform OR {Live}) AND {Owned}");

    /// <summary>Live projects with their owners, as a relation: for what is remembered and asked about each caller by <see cref="Caller.CanReach"/>.</summary>
    public const string Owners = "(SELECT id, owner_id FROM projects WHERE deleted_at IS NULL)";

    /// <inheritdoc />
    async Task<ProjectIdentity> IReach<ProjectIdentity>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await RequireAsync(connection, path.Text("project"), caller, cancellationToken);
    }

    /// <summary>Something in the project that a path names, in one statement.</summary>
    /// <exception cref="ApiException">404 that names what is missing, the project or the thing.</exception>
    public async Task<T> RequireInAsync<T>(RouteValueDictionary path, Caller caller, ReachQuery query, CancellationToken cancellationToken)
        where T : class
    {
        var project = path.Text("project");
        var parameters = new DynamicParameters(query.Parameters);
        parameters.AddDynamicParams(new { project, owner = caller.OwnerFilter });
        await using var connection = await database.OpenAsync(cancellationToken);
        if (await connection.QuerySingleOrDefaultAsync<T>(new CommandDefinition(query.Sql, parameters, cancellationToken: cancellationToken)) is { } found)
        {
            return found;
        }

        await RequireAsync(connection, project, caller, cancellationToken);
        throw ApiException.NotFound(query.Kind, query.Name);
    }

    /// <summary>The id of a live project that the caller reaches.</summary>
    /// <param name="project">Its id or name.</param>
    /// <exception cref="ApiException">404 <c>not_found</c>.</exception>
    public async Task<string> RequireAsync(string project, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await RequireAsync(connection, project, caller, cancellationToken)).Id;
    }

    /// <summary>As the other overload, on an open connection (inside its transaction, when there is one).</summary>
    public static async Task<ProjectIdentity> RequireAsync(Npgsql.NpgsqlConnection connection, string project, Caller caller, CancellationToken cancellationToken)
        => await connection.QuerySingleOrDefaultAsync<ProjectIdentity>(new CommandDefinition(
                $"SELECT id, name FROM projects WHERE id = {Named}",
                new { project, owner = caller.OwnerFilter },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("project", project);

    private static string Exists(string column, string condition) => $"EXISTS (SELECT FROM projects reached WHERE reached.id = {column} AND {condition})";
}
