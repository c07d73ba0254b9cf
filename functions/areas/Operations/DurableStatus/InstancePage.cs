using Microsoft.AspNetCore.Mvc;

namespace AiPlatform.Operations.DurableStatus;

/// <summary>Parameters that say which page of instances is shown, and how; take them with <c>[AsParameters]</c>.</summary>
/// <param name="ShowInput">Whether the input is shown.</param>
/// <param name="Top">Instances on a page.</param>
/// <param name="ContinuationToken">The header of the page before.</param>
internal readonly record struct InstancePage(
    bool? ShowInput, int? Top, [property: FromHeader(Name = DurableStatusEndpoints.ContinuationHeader)] string? ContinuationToken);
