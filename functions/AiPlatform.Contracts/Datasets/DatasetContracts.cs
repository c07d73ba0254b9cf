namespace AiPlatform.Contracts.Datasets;

/// <summary>A named line of immutable versions.</summary>
/// <param name="LatestVersion">The newest ready version; null when there is none.</param>
public sealed record Dataset(
    string Id, string ProjectId, string Name, string? Description, int? LatestVersion, DateTimeOffset CreatedAt);

/// <summary>Creates a dataset; the name is unique in its project (1–128 characters: letters, digits, <c>. _ -</c>).</summary>
public sealed record CreateDatasetRequest(string Name, string? Description = null);

/// <summary>One file of a version.</summary>
/// <param name="Path">Relative, with <c>/</c>; never leaves the dataset.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">64 lower-case hex digits.</param>
public sealed record DatasetFile(string Path, long Size, string Sha256);

/// <summary>The life of a version.</summary>
public enum DatasetVersionStatus
{
    /// <summary>Waits for uploads and the commit.</summary>
    Draft,

    /// <summary>Verified and immutable.</summary>
    Ready,
}

/// <summary>A version of a dataset: a manifest of content-addressed files.</summary>
public sealed record DatasetVersion(
    string Id, string DatasetId, int Version, DatasetVersionStatus Status, string? Description, int FileCount, long TotalSize,
    DateTimeOffset CreatedAt, DateTimeOffset? CommittedAt = null);

/// <summary>Drafts a version: its whole manifest, 1 to 10,000 files.</summary>
public sealed record CreateDatasetVersionRequest(IReadOnlyList<DatasetFile> Files, string? Description = null);

/// <summary>Where to put one file: <c>PUT</c> the bytes to the URL with the headers.</summary>
/// <param name="Path">The file, as in the manifest; files of equal content are listed once.</param>
/// <param name="Url">A short-lived SAS URL of a block blob.</param>
/// <param name="Headers">Headers that the PUT must carry.</param>
public sealed record FileUpload(string Path, string Url, IReadOnlyDictionary<string, string> Headers);

/// <summary>A drafted version and the files whose content is not stored yet.</summary>
public sealed record DatasetVersionDraft(DatasetVersion Version, IReadOnlyList<FileUpload> Uploads);

/// <summary>A file with a short-lived URL to read it.</summary>
public sealed record FileDownload(string Path, long Size, string Sha256, string Url);
