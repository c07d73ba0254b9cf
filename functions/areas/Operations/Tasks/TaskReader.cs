using AiPlatform.Contracts.Tasks;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;
using AiPlatform.Ports.Operations;
using Dapper;

namespace AiPlatform.Operations.Tasks;

/// <summary>Lists the long operations of projects, whatever kinds the areas have registered.</summary>
internal sealed class TaskReader(Database database, IEnumerable<ITaskKind> kinds)
{
    private readonly IReadOnlyDictionary<string, ITaskKind> _kinds = kinds.ToDictionary(static kind => kind.Kind, StringComparer.Ordinal);

    /// <summary>The kind of an operation.</summary>
    public ITaskKind KindOf(TaskRow row) => _kinds[row.Kind];

    /// <summary>One more operation than asked for, newest first; of one project, or of all that the caller reaches.</summary>
    /// <param name="project">The project's id or name; null for all.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="after">The id behind which the page begins; null for the first one.</param>
    /// <param name="size">How many are asked for.</param>
    /// <exception cref="ApiException">404 for the project.</exception>
    public async Task<IEnumerable<TaskRow>> ListAsync(string? project, Caller caller, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var projectId = project is null ? null : (await ProjectAccess.RequireAsync(connection, project, caller, cancellationToken)).Id;
        // Each project and each queue gives its newest from an index, however many it has.
        var newest = _kinds.Values.Select(kind => kind.Source).Select(source =>
            $"""
            SELECT s.* FROM {IdentityRelations.Projects} p {source.Parents}
            CROSS JOIN LATERAL (
                {source.Select} WHERE {source.Within} AND {source.Live}{(after is null ? string.Empty : $" AND {source.Id} < @after")}
                ORDER BY {source.Id} DESC LIMIT @limit) s
            WHERE {ProjectAccess.Reaches("p.id")} AND (@projectId::text IS NULL OR p.id = @projectId)
            """);
        return await connection.QueryAsync<TaskRow>(new CommandDefinition(
            $"SELECT * FROM ({string.Join(" UNION ALL ", newest)}) newest ORDER BY id DESC LIMIT @limit",
            new { owner = caller.OwnerFilter, projectId, after, limit = size + 1 },
            cancellationToken: cancellationToken));
    }

    /// <summary>An operation; null when there is none that the caller reaches.</summary>
    public async Task<TaskRow?> FindAsync(string id, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var found = _kinds.Values.Select(static kind => kind.Source).Select(static source => $"{source.Select} WHERE {source.Id} = @id AND {source.Live}");
        return await connection.QuerySingleOrDefaultAsync<TaskRow>(new CommandDefinition(
            $"SELECT * FROM ({string.Join(" UNION ALL ", found)}) s WHERE {ProjectAccess.Reaches("s.project_id")}",
            new { owner = caller.OwnerFilter, id },
            cancellationToken: cancellationToken));
    }

    /// <summary>As the API shows it.</summary>
    public PlatformTask ToContract(TaskRow row)
    {
        var kind = KindOf(row);
        return new PlatformTask(
            row.Id, row.ProjectId, row.Kind, row.Name, kind.StateOf(row.Status), kind.Told(row.Reason), row.Progress, row.Link, row.CreatedAt, row.StartedAt, row.EndedAt);
    }
}
