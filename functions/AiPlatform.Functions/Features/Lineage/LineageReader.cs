using AiPlatform.Contracts.Lineage;
using AiPlatform.Functions.Infrastructure;
using Dapper;
using Npgsql;

namespace AiPlatform.Functions.Features.Lineage;

/// <summary>Reads the neighbours of a thing in the lineage graph.</summary>
internal sealed class LineageReader(Database database)
{
    /// <summary>More neighbours than a page shows are cut: the graph queries of any depth page by themselves.</summary>
    private const int MaxNeighbours = 500;

    /// <summary>What people call each kind of thing, with its project; a kind that is not here is in no graph.</summary>
    private static readonly Dictionary<string, string> Names = new(StringComparer.Ordinal)
    {
        [LineageEnd.DatasetVersionKind] = "SELECT v.id, v.project_id, d.name || '@' || v.version AS name FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id",
        [LineageEnd.JobKind] = "SELECT id, project_id, name FROM jobs",
        [LineageEnd.RunKind] = "SELECT id, project_id, name FROM runs",
        [LineageEnd.ModelVersionKind] = "SELECT v.id, v.project_id, m.name || '/' || v.version AS name FROM model_versions v JOIN models m ON m.id = v.model_id",
    };

    // One statement per kind, each by primary key: a union of all kinds would be read whole.
    private static readonly string NamesOfNeighbours = string.Join(
        ";\n", Names.Select(entry => $"SELECT '{entry.Key}' AS kind, n.id, n.name FROM ({entry.Value}) n WHERE n.id = ANY(@ids)"));

    /// <summary>The thing and its neighbours, one level up and down.</summary>
    /// <exception cref="ApiException">404 when there is no such thing or the caller does not reach it.</exception>
    public async Task<LineageGraph> GetAsync(string kind, string id, Caller caller, CancellationToken cancellationToken)
    {
        if (!Names.TryGetValue(kind, out var names))
        {
            throw ApiException.NotFound(kind, id);
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        var name = await connection.QuerySingleOrDefaultAsync<string>(new CommandDefinition(
                $"""
                SELECT n.name FROM ({names}) n JOIN projects p ON p.id = n.project_id
                WHERE n.id = @id AND p.deleted_at IS NULL AND (@owner::text IS NULL OR p.owner_id = @owner)
                """,
                new { id, owner = caller.OwnerFilter },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound(kind, id);
        var self = new LineageNode(kind, id, name);
        var edges = (await connection.QueryAsync<EdgeRow>(new CommandDefinition(
            """
            SELECT relation, created_at, true AS up, from_kind AS kind, from_id AS id FROM lineage_edges WHERE to_id = @id AND to_kind = @kind
            UNION ALL
            SELECT relation, created_at, false, to_kind, to_id FROM lineage_edges WHERE from_id = @id AND from_kind = @kind
            ORDER BY created_at, id LIMIT @limit
            """,
            new { id, kind, limit = MaxNeighbours },
            cancellationToken: cancellationToken))).AsList();
        var neighbours = await NamesAsync(connection, edges, cancellationToken);
        return new LineageGraph(
            self,
            [.. edges.Where(edge => edge.Up).Select(edge => new LineageEdge(neighbours[(edge.Kind, edge.Id)], self, edge.Relation, edge.CreatedAt))],
            [.. edges.Where(edge => !edge.Up).Select(edge => new LineageEdge(self, neighbours[(edge.Kind, edge.Id)], edge.Relation, edge.CreatedAt))]);
    }

    private static async Task<Dictionary<(string Kind, string Id), LineageNode>> NamesAsync(
        NpgsqlConnection connection, List<EdgeRow> edges, CancellationToken cancellationToken)
    {
        await using var results = await connection.QueryMultipleAsync(new CommandDefinition(
            NamesOfNeighbours, new { ids = edges.Select(edge => edge.Id).Distinct().ToArray() }, cancellationToken: cancellationToken));
        var nodes = new Dictionary<(string Kind, string Id), LineageNode>();
        foreach (var _ in Names)
        {
            foreach (var node in await results.ReadAsync<NameRow>())
            {
                nodes[(node.Kind, node.Id)] = new LineageNode(node.Kind, node.Id, node.Name);
            }
        }

        return nodes;
    }

    private sealed class EdgeRow
    {
        public required string Relation { get; init; }

        public DateTimeOffset CreatedAt { get; init; }

        public bool Up { get; init; }

        public required string Kind { get; init; }

        public required string Id { get; init; }
    }

    private sealed class NameRow
    {
        public required string Kind { get; init; }

        public required string Id { get; init; }

        public required string Name { get; init; }
    }
}
