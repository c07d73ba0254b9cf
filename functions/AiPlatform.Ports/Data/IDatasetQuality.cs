using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Data;

/// <summary>
/// What quality reports mean for the use of dataset versions: the newest that succeeded decides, unless somebody with the right took the
/// responsibility for its block.
/// </summary>
public interface IDatasetQuality
{
    /// <summary>The newest finished report of each version; a version without one is absent.</summary>
    Task<IReadOnlyDictionary<string, DatasetQuality>> LatestAsync(UnitOfWork work, IReadOnlyCollection<string> versionIds);

    /// <summary>Passes when every version may be used.</summary>
    /// <exception cref="ApiException">409 <c>dataset_blocked</c> naming the first that may not.</exception>
    Task RequireUsableAsync(UnitOfWork work, IReadOnlyCollection<string> versionIds);
}

/// <summary>What the newest quality report says about a dataset version.</summary>
/// <param name="ReportId">The report.</param>
/// <param name="Score">0 to 100; null when the report gives none.</param>
/// <param name="Blocked">Whether a rule keeps the version from being used.</param>
public sealed record DatasetQuality(string ReportId, double? Score, bool Blocked);
