using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Models;

/// <summary>Stands where nothing makes quality reports: no version has one, and what a rule asks for stays missing.</summary>
internal sealed class NoQualityReports : IDatasetQuality
{
    /// <inheritdoc />
    public Task<IReadOnlyDictionary<string, DatasetQuality>> LatestAsync(UnitOfWork work, IReadOnlyCollection<string> versionIds)
        => Task.FromResult<IReadOnlyDictionary<string, DatasetQuality>>(new Dictionary<string, DatasetQuality>());
}
