using System.Text.Json;

namespace AiPlatform.Operations.Lineage;

/// <summary>A checked event: what of it matters here, beside the whole.</summary>
/// <param name="EventType">Null unless the event is about a run.</param>
/// <param name="RunId">As it was sent; null unless the event is about a run.</param>
/// <param name="Parent">The parent run of facet <c>parent</c>.</param>
/// <param name="Dataset">The dataset, when the event is about one.</param>
internal sealed record OpenLineageEvent(
    JsonElement Body,
    DateTimeOffset At,
    string? EventType,
    OpenLineageName? Job,
    Guid? RunId,
    (Guid RunId, OpenLineageName Job)? Parent,
    IReadOnlyList<OpenLineageDataset> Inputs,
    IReadOnlyList<OpenLineageDataset> Outputs,
    OpenLineageDataset? Dataset);

/// <summary>A job's or dataset's name.</summary>
internal readonly record struct OpenLineageName(string Namespace, string Name);

/// <summary>A dataset in an event.</summary>
/// <param name="Version">Of facet <c>version</c>; null when it is absent.</param>
/// <param name="Facets">All facets together; null when there are none.</param>
internal sealed record OpenLineageDataset(OpenLineageName Name, string? Version, JsonElement? Facets);
