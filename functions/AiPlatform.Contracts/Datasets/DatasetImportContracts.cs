namespace AiPlatform.Contracts.Datasets;

/// <summary>The life of an import.</summary>
public enum DatasetImportStatus
{
    /// <summary>Accepted.</summary>
    Pending,

    /// <summary>Under way.</summary>
    Running,

    /// <summary>Stops at its next step.</summary>
    Cancelling,

    /// <summary>The version is ready.</summary>
    Succeeded,

    /// <summary>Ended with an error; nothing is stored.</summary>
    Failed,

    /// <summary>Ended by request; nothing is stored.</summary>
    Cancelled,
}

/// <summary>A file on another server.</summary>
/// <param name="Url">An <c>http</c> or <c>https</c> URL that leads to a public address.</param>
/// <param name="Sha256">What the download must have; null when it is not known.</param>
/// <param name="FileName">The file's path in the dataset; null for the last part of the URL's path.</param>
public sealed record ImportUrl(string Url, string? Sha256 = null, string? FileName = null);

/// <summary>A container of Azure Blob storage: by a SAS URL that may list and read, or by the name of one that the platform was configured with.</summary>
/// <param name="Url">The container's URL, with a SAS where it needs one; null for a container of the platform's storage.</param>
/// <param name="Name">The name of a container of the platform's storage that administrators have opened for imports.</param>
/// <param name="Prefix">Only blobs whose names begin so; it is not part of their paths in the dataset.</param>
public sealed record ImportContainer(string? Url = null, string? Name = null, string? Prefix = null);

/// <summary>An archive that is a file of a ready version of the same project.</summary>
/// <param name="Dataset">The dataset's id or name.</param>
/// <param name="Version">The version's number, from 1.</param>
/// <param name="Path">The archive's path in the version.</param>
public sealed record ImportArchive(string Dataset, int Version, string Path);

/// <summary>Imports a new version. Exactly one of the three sources is given.</summary>
/// <example>
/// {"url": {"url": "https://data.example.org/digits.zip"}, "expand": true, "folder": "train", "description":
/// "As published in March."}
/// </example>
/// <param name="Url">What a URL leads to; exactly one of the three sources is given.</param>
/// <param name="Container">The blobs of a container.</param>
/// <param name="Archive">An archive that is a file of a dataset.</param>
/// <param name="Expand">The file at the URL is an archive (zip, tar, tar.gz) whose files are imported. Always so for <paramref name="Archive"/>.</param>
/// <param name="Folder">Folder in the dataset that the files go into; null for none.</param>
/// <param name="Parent">As in <see cref="CreateDatasetVersionRequest"/>.</param>
/// <param name="Remove">As in <see cref="CreateDatasetVersionRequest"/>.</param>
/// <param name="Description">What the version is; at most 2,000 characters.</param>
/// <param name="Tags">As in <see cref="CreateDatasetVersionRequest"/>.</param>
public sealed record CreateDatasetImportRequest(
    ImportUrl? Url = null, ImportContainer? Container = null, ImportArchive? Archive = null, bool Expand = false, string? Folder = null,
    int? Parent = null, IReadOnlyList<string>? Remove = null, string? Description = null, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>An import, a long operation.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="DatasetId">The dataset's id.</param>
/// <param name="Source">What is imported, without secrets.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="Code">Why it failed, stable: <see cref="DatasetImportErrors"/> or a code of the API; null unless it failed.</param>
/// <param name="Reason">The same in the caller's language.</param>
/// <param name="DoneBytes">Bytes read so far.</param>
/// <param name="TotalBytes">Of all that is to be read; null while that is not known.</param>
/// <param name="Version">The version that it made; set when it is drafted.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="StartedAt">When it began to run; null while it has not.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
public sealed record DatasetImport(
    string Id, string ProjectId, string DatasetId, string Source, DatasetImportStatus Status, string? Code, string? Reason, long DoneBytes, long? TotalBytes,
    int? Version, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt = null, DateTimeOffset? EndedAt = null);

/// <summary>An accepted import with its Durable status URIs.</summary>
/// <param name="Import">The import, which has not begun.</param>
/// <param name="StatusQueryGetUri">Where the orchestration's status is.</param>
/// <param name="TerminatePostUri">Where a POST terminates the orchestration.</param>
public sealed record DatasetImportSubmission(DatasetImport Import, string StatusQueryGetUri, string TerminatePostUri);

/// <summary>Input of the orchestration <see cref="Orchestration"/>; the instance id is the import's id.</summary>
public sealed record DatasetImportInput(string ImportId)
{
    /// <summary>The orchestration's name.</summary>
    public const string Orchestration = "DatasetImport";
}

/// <summary>What the orchestrations service needs to carry an import out.</summary>
/// <param name="Import">The import.</param>
/// <param name="Request">What was asked for.</param>
/// <param name="SourceUrl">Of the file, the archive or the container.</param>
/// <param name="IsTrusted">The platform's administrators chose the address: it may be a private one.</param>
/// <param name="StagingUrl">Where a file from another server is laid down: a SAS URL of a block blob that may be written and read.</param>
/// <param name="ExpandedUrl">As <paramref name="StagingUrl"/>, for the tar archive that a tar.gz expands to.</param>
/// <param name="ArchiveSize">Bytes of an archive that is in a dataset.</param>
/// <param name="SourceTag">The tag of the file whose first blocks lie at <paramref name="StagingUrl"/>.</param>
/// <param name="Limits">What it must not exceed.</param>
public sealed record DatasetImportWork(
    DatasetImport Import, CreateDatasetImportRequest Request, string SourceUrl, bool IsTrusted, string StagingUrl, string ExpandedUrl, long? ArchiveSize, string? SourceTag, ImportLimits Limits);

/// <summary>What an import may take.</summary>
/// <param name="MaxFiles">Files, and entries of an archive.</param>
/// <param name="MaxBytes">Bytes of all files, expanded.</param>
/// <param name="MaxRatio">Bytes that one byte of an archive may expand to.</param>
public sealed record ImportLimits(int MaxFiles, long MaxBytes, int MaxRatio);

/// <summary>Reports where an import is. Null leaves a value as it is.</summary>
/// <example>{"status": "running", "doneBytes": 1048576, "totalBytes": 4194304}</example>
/// <param name="Status">Running, or a final one.</param>
/// <param name="DoneBytes">Bytes read so far; null leaves it.</param>
/// <param name="TotalBytes">Bytes to read in all; null leaves it.</param>
/// <param name="Version">The version that was drafted; null leaves it.</param>
/// <param name="SourceTag">The tag of the file that is read; null leaves it.</param>
/// <param name="Code">Why it failed: a stable code; null unless it failed.</param>
/// <param name="Arguments">Values for the text of <paramref name="Code"/>.</param>
public sealed record ReportDatasetImportRequest(
    DatasetImportStatus Status, long? DoneBytes = null, long? TotalBytes = null, int? Version = null, string? SourceTag = null, string? Code = null,
    IReadOnlyList<string>? Arguments = null);
