using System.Text.Json;

namespace AiPlatform.Contracts.Lineage;

/// <summary>A thing in the lineage graph.</summary>
/// <param name="Kind">
/// <c>datasetVersion</c>, <c>job</c>, <c>run</c>, <c>loggedModel</c>, <c>modelVersion</c>, <c>user</c>, or a thing of another tool:
/// <c>externalDataset</c>, <c>externalJob</c>, <c>externalRun</c>.
/// </param>
/// <param name="Id">Its id.</param>
/// <param name="Name">What people call it, such as <c>digits@1</c>.</param>
public sealed record LineageNode(string Kind, string Id, string Name);

/// <summary>One step of provenance: <paramref name="Target"/> came from <paramref name="Source"/>.</summary>
/// <param name="Source">The node that it comes from.</param>
/// <param name="Target">The node that it leads to.</param>
/// <param name="Relation"><c>input</c>, <c>produced</c>, <c>uploaded</c>, <c>imported</c>, <c>registered</c>, <c>copied</c>, <c>parent</c>, …</param>
/// <param name="At">When it was recorded.</param>
/// <param name="Depth">Steps from the node that was asked about, from 1.</param>
public sealed record LineageEdge(LineageNode Source, LineageNode Target, string Relation, DateTimeOffset At, int Depth);

/// <summary>What a node came from and what came from it.</summary>
/// <param name="Node">The node that was asked about.</param>
/// <param name="Upstream">Nearest first.</param>
/// <param name="Downstream">Nearest first.</param>
/// <param name="Truncated">The graph goes on, but the limit of edges was reached in one of the directions.</param>
public sealed record LineageGraph(LineageNode Node, IReadOnlyList<LineageEdge> Upstream, IReadOnlyList<LineageEdge> Downstream, bool Truncated);

/// <summary>A thing that a node reaches.</summary>
/// <param name="Node">The node that is reached.</param>
/// <param name="Depth">Steps from the node that was asked about: the shortest way.</param>
/// <param name="At">When the step that leads to it (or from it) came about.</param>
public sealed record LineageReached(LineageNode Node, int Depth, DateTimeOffset At);

/// <summary>Everything that a node reaches in one direction, nearest first.</summary>
/// <param name="Node">The node that was asked about.</param>
/// <param name="Items">The nodes that are reached, the nearest first.</param>
/// <param name="Truncated">There is more, but the limit of steps was reached.</param>
public sealed record LineageReach(LineageNode Node, IReadOnlyList<LineageReached> Items, bool Truncated);

/// <summary>A thing of another tool that a project's graph names.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Kind">Whether it is a dataset, a job or a run.</param>
/// <param name="Namespace">The namespace that the other tool gave it.</param>
/// <param name="Name">The name that the other tool gave it.</param>
/// <param name="Version">A dataset's digest where that is part of its name, a run's id; else empty.</param>
/// <param name="Facets">The newest facets of a dataset, by their names.</param>
/// <param name="CreatedAt">When it was first heard of.</param>
public sealed record ExternalThing(string Id, string Kind, string Namespace, string Name, string Version, JsonElement Facets, DateTimeOffset CreatedAt);
