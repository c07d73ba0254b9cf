using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Orchestrations.Data.Models;

/// <summary>What a step of an import leads to.</summary>
/// <param name="Status">The end of the import; null when the next step comes.</param>
/// <param name="Code">One of <see cref="DatasetImportErrors"/>; null unless it failed.</param>
/// <param name="Arguments">Values for the text of the code.</param>
/// <param name="GoesOn">The same step has more to do.</param>
public sealed record ImportOutcome(DatasetImportStatus? Status = null, string? Code = null, IReadOnlyList<string>? Arguments = null, bool GoesOn = false);

/// <summary>Input of <c>EndImport</c>.</summary>
public sealed record EndImportInput(string ImportId, ImportOutcome Outcome);
