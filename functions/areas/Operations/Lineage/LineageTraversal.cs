using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;
using Dapper;
using Npgsql;

namespace AiPlatform.Operations.Lineage;

/// <summary>How much of the graph is wanted.</summary>
/// <param name="Depth">Steps from the node.</param>
/// <param name="Limit">Edges at most.</param>
/// <param name="At">The graph as it was then; null for now.</param>
internal sealed record LineageScope(int Depth, int Limit, DateTimeOffset? At);

/// <summary>
/// Follows edges level by level from one node in one direction. Each thing is opened once, at its shortest distance, so that circles end
/// and wide graphs cost no more than their edges. One statement for each level: the frontier is known here, and PostgreSQL only looks it up.
/// </summary>
internal sealed class LineageTraversal(LineageNames names)
{
    private const string Upstream = """
        SELECT from_kind AS kind, from_id AS id, to_kind AS near_kind, to_id AS near_id, relation, created_at FROM lineage_edges
        WHERE to_id = ANY(@ids) AND project_id = @projectId AND created_at <= @at ORDER BY created_at, from_id, to_id, relation LIMIT @limit
        """;

    private const string Downstream = """
        SELECT to_kind AS kind, to_id AS id, from_kind AS near_kind, from_id AS near_id, relation, created_at FROM lineage_edges
        WHERE from_id = ANY(@ids) AND project_id = @projectId AND created_at <= @at ORDER BY created_at, to_id, from_id, relation LIMIT @limit
        """;

    /// <summary>The edges, nearest first, and whether there are more.</summary>
    public async Task<(IReadOnlyList<TraversedEdge> Edges, bool Truncated)> FollowAsync(
        NpgsqlConnection connection, string projectId, LineageEnd start, bool upstream, LineageScope scope, CancellationToken cancellationToken)
    {
        var edges = new List<TraversedEdge>();
        var seen = new HashSet<LineageEnd> { start };
        List<LineageEnd> frontier = [start];
        for (var depth = 1; depth <= scope.Depth && frontier.Count > 0; depth++)
        {
            var wanted = scope.Limit - edges.Count + 1;
            var rows = (await connection.QueryAsync<EdgeRow>(new CommandDefinition(
                upstream ? Upstream : Downstream,
                new { ids = frontier.ConvertAll(static end => end.Id), projectId, at = scope.At ?? DateTimeOffset.MaxValue, limit = wanted },
                cancellationToken: cancellationToken))).AsList();
            var level = new List<LineageEnd>();
            foreach (var row in rows)
            {
                var (far, near) = (new LineageEnd(row.Kind, row.Id), new LineageEnd(row.NearKind, row.NearId));
                // Ids of two kinds may be equal only by somebody's design: an edge counts for the thing that was meant.
                if (!seen.Contains(near) || !names.Knows(far.Kind))
                {
                    continue;
                }

                edges.Add(new TraversedEdge(far, near, row.Relation, row.CreatedAt, depth));
                if (seen.Add(far))
                {
                    level.Add(far);
                }
            }

            if (rows.Count == wanted)
            {
                return (edges.GetRange(0, Math.Min(edges.Count, scope.Limit)), true);
            }

            frontier = level;
        }

        return (edges, false);
    }

    private sealed class EdgeRow
    {
        public required string Kind { get; init; }

        public required string Id { get; init; }

        public required string NearKind { get; init; }

        public required string NearId { get; init; }

        public required string Relation { get; init; }

        public DateTimeOffset CreatedAt { get; init; }
    }
}

/// <summary>An edge that was followed.</summary>
/// <param name="Far">The end that is farther from the start.</param>
/// <param name="Near">The end through which it was reached.</param>
/// <param name="Depth">Steps from the start to the far end.</param>
internal readonly record struct TraversedEdge(LineageEnd Far, LineageEnd Near, string Relation, DateTimeOffset At, int Depth);
