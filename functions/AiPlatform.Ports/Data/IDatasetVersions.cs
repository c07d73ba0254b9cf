using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Data;

/// <summary>Versions of datasets.</summary>
public interface IDatasetVersions
{
    /// <summary>Ids of the versions that these names mean, in their order; null where there is no such version that is ready.</summary>
    Task<IReadOnlyList<string?>> FindReadyAsync(UnitOfWork work, string projectId, IReadOnlyList<DatasetVersionName> names);
}

/// <summary>What people call a version.</summary>
/// <param name="Dataset">The dataset's name, in any case.</param>
/// <param name="Version">Null for the newest that is ready.</param>
public readonly record struct DatasetVersionName(string Dataset, int? Version);
