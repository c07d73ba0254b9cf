using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Data;

/// <summary>Dataset versions as what a job reads.</summary>
public interface IDatasetInputs
{
    /// <summary>The versions that a job asks for, in its order; they cannot be deleted before the transaction ends.</summary>
    /// <exception cref="ApiException">400 naming the first of <c>datasets</c> that is not ready or comes twice.</exception>
    Task<IReadOnlyList<DatasetInput>> ResolveAsync(UnitOfWork work, string projectId, IReadOnlyList<JobDataset> datasets);

    /// <summary>Files of versions with URLs to read them, by the version's id; a version without files is absent.</summary>
    /// <param name="origin">Scheme and host of the API as the reader sees it.</param>
    /// <param name="lifetime">How long the URLs work.</param>
    Task<IReadOnlyDictionary<string, DatasetInputFiles>> DownloadsAsync(
        string projectId, IReadOnlyCollection<string> versionIds, string origin, TimeSpan lifetime, CancellationToken cancellationToken);
}

/// <summary>A version of a dataset that a job reads.</summary>
/// <param name="Name">The dataset's name.</param>
/// <param name="VersionId">The version's id.</param>
/// <param name="Version">Its number.</param>
public sealed record DatasetInput(string Name, string VersionId, int Version);

/// <summary>The files of a version.</summary>
/// <param name="Version">Its number.</param>
/// <param name="Files">By path.</param>
public sealed record DatasetInputFiles(int Version, IReadOnlyList<FileDownload> Files);
