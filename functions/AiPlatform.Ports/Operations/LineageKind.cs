namespace AiPlatform.Ports.Operations;

/// <summary>
/// A kind of thing in the lineage graph. Register with <c>services.AddSingleton(new LineageKind(…))</c>; a kind that nobody registers is in no graph.
/// </summary>
/// <param name="Kind">One of the kinds of <see cref="LineageEnd"/>.</param>
/// <param name="Select"><c>SELECT id, project_id, name FROM …</c>: everything of this kind; an index finds it by id.</param>
public sealed record LineageKind(string Kind, string Select);
