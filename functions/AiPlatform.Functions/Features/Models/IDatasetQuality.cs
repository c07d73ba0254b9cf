using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Models;

/// <summary>What the newest quality report says about a dataset version.</summary>
/// <param name="Score">0 to 100; null when the report gives none.</param>
/// <param name="Blocked">Whether a rule keeps the version from being used.</param>
internal sealed record DatasetQuality(string ReportId, double? Score, bool Blocked);

/// <summary>Where promotions find the evidence of a dataset version's quality.</summary>
internal interface IDatasetQuality
{
    /// <summary>The newest finished report of each version; a version without one is absent.</summary>
    Task<IReadOnlyDictionary<string, DatasetQuality>> LatestAsync(UnitOfWork work, IReadOnlyCollection<string> versionIds);
}
