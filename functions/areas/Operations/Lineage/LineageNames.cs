using AiPlatform.Contracts.Lineage;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;
using Dapper;
using Npgsql;

namespace AiPlatform.Operations.Lineage;

/// <summary>What people call the things of the lineage graph, whatever kinds the areas have registered.</summary>
internal sealed class LineageNames
{
    private const string External = """
        SELECT id, project_id, namespace || CASE WHEN name LIKE '/%' THEN '' ELSE '/' END || name || CASE WHEN version = '' THEN '' ELSE '@' || version END AS name
        FROM lineage_external
        """;

    // Id, project and name of each kind of thing; a kind that is not here is in no graph.
    private readonly Dictionary<string, string> _sources;

    /// <summary>Knows the kinds that the areas have registered, and the things of other tools.</summary>
    public LineageNames(IEnumerable<LineageKind> kinds)
    {
        string[] external = [LineageEnd.ExternalDatasetKind, LineageEnd.ExternalJobKind, LineageEnd.ExternalRunKind];
        _sources = kinds.Concat(external.Select(static kind => new LineageKind(kind, External)))
            .ToDictionary(static kind => kind.Kind, static kind => kind.Select, StringComparer.Ordinal);
    }

    /// <summary>Every kind.</summary>
    public IEnumerable<string> Kinds => _sources.Keys.Order(StringComparer.Ordinal);

    /// <summary>Whether things of this kind are in graphs.</summary>
    public bool Knows(string kind) => _sources.ContainsKey(kind);

    /// <summary>A thing that the caller reaches, and its project.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<(LineageNode Node, string ProjectId)> RequireAsync(
        NpgsqlConnection connection, string kind, string id, Caller caller, CancellationToken cancellationToken)
    {
        if (!_sources.TryGetValue(kind, out var source))
        {
            throw ApiException.NotFound(kind, id);
        }

        var row = await connection.QuerySingleOrDefaultAsync<NameRow>(new CommandDefinition(
                $"""
                SELECT n.id, n.name, n.project_id FROM ({source}) n WHERE n.id = @id AND {ProjectAccess.Reaches("n.project_id")}
                """,
                new { id, owner = caller.OwnerFilter },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound(kind, id);
        return (new LineageNode(kind, id, row.Name), row.ProjectId!);
    }

    /// <summary>Names things, one statement for each kind among them; what has been removed meanwhile is named by its id.</summary>
    public async Task<Func<LineageEnd, LineageNode>> ReadAsync(NpgsqlConnection connection, IReadOnlyCollection<LineageEnd> ends, CancellationToken cancellationToken)
    {
        var kinds = ends.GroupBy(static end => end.Kind, static end => end.Id, StringComparer.Ordinal).ToList();
        var nodes = new Dictionary<LineageEnd, LineageNode>(ends.Count);
        foreach (var kind in kinds)
        {
            // By primary key: a union of all kinds would be read whole.
            var rows = await connection.QueryAsync<NameRow>(new CommandDefinition(
                $"SELECT n.id, n.name FROM ({_sources[kind.Key]}) n WHERE n.id = ANY(@ids)", new { ids = kind.ToArray() }, cancellationToken: cancellationToken));
            foreach (var row in rows)
            {
                nodes[new LineageEnd(kind.Key, row.Id)] = new LineageNode(kind.Key, row.Id, row.Name);
            }
        }

        return end => nodes.TryGetValue(end, out var node) ? node : new LineageNode(end.Kind, end.Id, end.Id);
    }

    private sealed class NameRow
    {
        public required string Id { get; init; }

        public required string Name { get; init; }

        public string? ProjectId { get; init; }
    }
}
