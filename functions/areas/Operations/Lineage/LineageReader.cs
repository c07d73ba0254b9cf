using AiPlatform.Contracts.Lineage;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;

namespace AiPlatform.Operations.Lineage;

/// <summary>Reads the lineage graph around a thing.</summary>
internal sealed class LineageReader(Database database, LineageNames names, LineageTraversal traversal)
{
    /// <summary>The graph around a thing.</summary>
    /// <exception cref="ApiException">404 when there is no such thing or the caller does not reach it.</exception>
    public async Task<LineageGraph> GetAsync(string kind, string id, LineageDirection direction, LineageScope scope, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var (self, projectId) = await names.RequireAsync(connection, kind, id, caller, cancellationToken);
        var start = new LineageEnd(kind, id);
        var (up, moreUp) = direction == LineageDirection.Downstream
            ? ([], false)
            : await traversal.FollowAsync(connection, projectId, start, upstream: true, scope, cancellationToken);
        var (down, moreDown) = direction == LineageDirection.Upstream
            ? ([], false)
            : await traversal.FollowAsync(connection, projectId, start, upstream: false, scope, cancellationToken);
        var name = await names.ReadAsync(connection, up.Concat(down).SelectMany(static edge => new[] { edge.Far, edge.Near }).ToHashSet(), cancellationToken);
        return new LineageGraph(
            self,
            [.. up.Select(edge => new LineageEdge(name(edge.Far), name(edge.Near), edge.Relation, edge.At, edge.Depth))],
            [.. down.Select(edge => new LineageEdge(name(edge.Near), name(edge.Far), edge.Relation, edge.At, edge.Depth))],
            moreUp || moreDown);
    }

    /// <summary>Everything that a thing reaches in one direction, each thing once.</summary>
    /// <param name="kinds">Only things of these kinds; all when empty.</param>
    /// <exception cref="ApiException">404; 400 for a kind that is in no graph.</exception>
    public async Task<LineageReach> ReachAsync(
        string kind, string id, bool upstream, IReadOnlyCollection<string> kinds, LineageScope scope, Caller caller, CancellationToken cancellationToken)
    {
        Check.That(kinds.All(names.Knows), "kinds", "oneOf", string.Join(", ", names.Kinds));
        await using var connection = await database.OpenAsync(cancellationToken);
        var (self, projectId) = await names.RequireAsync(connection, kind, id, caller, cancellationToken);
        var start = new LineageEnd(kind, id);
        var (edges, more) = await traversal.FollowAsync(connection, projectId, start, upstream, scope, cancellationToken);
        var reached = edges.Where(edge => edge.Far != start && (kinds.Count == 0 || kinds.Contains(edge.Far.Kind))).DistinctBy(static edge => edge.Far).ToList();
        var name = await names.ReadAsync(connection, reached.ConvertAll(static edge => edge.Far), cancellationToken);
        return new LineageReach(self, [.. reached.Select(edge => new LineageReached(name(edge.Far), edge.Depth, edge.At))], more);
    }
}
