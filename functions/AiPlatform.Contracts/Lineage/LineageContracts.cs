namespace AiPlatform.Contracts.Lineage;

/// <summary>A thing in the lineage graph.</summary>
/// <param name="Kind"><c>datasetVersion</c>, <c>job</c>, <c>run</c> or <c>modelVersion</c>.</param>
/// <param name="Name">What people call it, such as <c>digits@1</c>.</param>
public sealed record LineageNode(string Kind, string Id, string Name);

/// <summary>One step of provenance: <paramref name="Target"/> came from <paramref name="Source"/>.</summary>
/// <param name="Relation"><c>input</c>, <c>produced</c>, …</param>
public sealed record LineageEdge(LineageNode Source, LineageNode Target, string Relation, DateTimeOffset At);

/// <summary>The neighbours of a node.</summary>
public sealed record LineageGraph(LineageNode Node, IReadOnlyList<LineageEdge> Upstream, IReadOnlyList<LineageEdge> Downstream);
