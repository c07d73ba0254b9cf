namespace AiPlatform.Contracts.Datasets;

/// <summary>One file of a version.</summary>
/// <param name="Path">Relative, with <c>/</c>; never leaves the dataset.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">64 lower-case hex digits.</param>
/// <param name="Chunks">
/// For large files, so that a later version stores only the chunks that changed: base64 of one record of 36 bytes for each
/// chunk, SHA-256 and length (big-endian), in order (<see cref="ChunkList"/>).
/// </param>
public sealed record DatasetFile(string Path, long Size, string Sha256, string? Chunks = null);

/// <summary>The life of a version.</summary>
public enum DatasetVersionStatus
{
    /// <summary>Waits for uploads and the commit.</summary>
    Draft,

    /// <summary>Verified and immutable.</summary>
    Ready,
}

/// <summary>A version of a dataset: a manifest of content-addressed files.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="DatasetId">The dataset's id.</param>
/// <param name="Version">The version's number, from 1.</param>
/// <param name="Status">Where it is in its life.</param>
/// <param name="Description">What it is for, in the words of its author; null when nobody has said.</param>
/// <param name="FileCount">How many files it has.</param>
/// <param name="TotalSize">Bytes of all files.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="CommittedAt">When it became immutable; null while it is a draft.</param>
/// <param name="StoredSize">Bytes that this version added to the project's storage; 0 while it is a draft.</param>
/// <param name="SavedSize">Bytes that it shares with what was there: total less stored; 0 while it is a draft.</param>
/// <param name="Parent">The version that it was made from, where it was made from one.</param>
/// <param name="Tags">Null when there are none.</param>
/// <param name="DeletedAt">Null unless it is deleted.</param>
public sealed record DatasetVersion(
    string Id, string DatasetId, int Version, DatasetVersionStatus Status, string? Description, int FileCount, long TotalSize,
    DateTimeOffset CreatedAt, DateTimeOffset? CommittedAt = null, long StoredSize = 0, long SavedSize = 0, int? Parent = null,
    IReadOnlyDictionary<string, string>? Tags = null, DateTimeOffset? DeletedAt = null);

/// <summary>
/// Drafts a version, at most 10,000 files: its whole manifest, or, with <paramref name="Parent"/>, the parent's files without
/// those of <paramref name="Remove"/>, and then with those of <paramref name="Files"/>, which replace files of the same path.
/// A manifest that is being drafted already goes on with that draft.
/// </summary>
/// <example>
/// {"files": [{"path": "train/digits.csv", "size": 13, "sha256":
/// "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"}], "description": "The first thousand."}
/// </example>
/// <param name="Files">The files, with paths, sizes and hashes.</param>
/// <param name="Description">What the version is; at most 2,000 characters.</param>
/// <param name="Parent">The version that it is made from; null for a whole manifest.</param>
/// <param name="Remove">Paths of files; a path that ends with <c>/</c> means the whole folder.</param>
/// <param name="Tags">At most 100; keys of at most 128 characters, values of at most 1,000.</param>
public sealed record CreateDatasetVersionRequest(
    IReadOnlyList<DatasetFile> Files, string? Description = null, int? Parent = null, IReadOnlyList<string>? Remove = null,
    IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>Changes what is given and leaves the rest; <paramref name="Tags"/> replaces all tags. Files never change.</summary>
/// <example>{"description": "The first thousand, labels checked."}</example>
/// <param name="Description">The new description; null leaves it.</param>
/// <param name="Tags">Replaces all tags; null leaves them.</param>
public sealed record UpdateDatasetVersionRequest(string? Description = null, IReadOnlyDictionary<string, string>? Tags = null);

/// <summary>
/// Where to put one file. <c>PUT</c> the bytes to the URL with the headers, or put them in blocks and then a block list: the URL
/// may also be asked for the blocks that are there. Of a file with chunks only <paramref name="Missing"/> is needed: block ids are
/// then <see cref="ChunkRange.ToBlockId"/>, so that the server knows which block holds what.
/// </summary>
/// <param name="Path">The file, as in the manifest; files of equal content are listed once.</param>
/// <param name="Url">A short-lived SAS URL of a block blob: create, write and read.</param>
/// <param name="Headers">Headers that a PUT of the whole file must carry.</param>
/// <param name="Missing">The chunks that the project does not have; null when the whole file is needed.</param>
public sealed record FileUpload(string Path, string Url, IReadOnlyDictionary<string, string> Headers, IReadOnlyList<ChunkRange>? Missing = null);

/// <summary>A drafted version and the files whose content is not stored yet.</summary>
/// <param name="Version">The draft.</param>
/// <param name="Uploads">The files to upload.</param>
public sealed record DatasetVersionDraft(DatasetVersion Version, IReadOnlyList<FileUpload> Uploads);

/// <summary>A file with a short-lived URL to read it.</summary>
/// <param name="Path">The path in the dataset, with <c>/</c>.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">SHA-256 of the content, 64 lower-case hex digits.</param>
/// <param name="Url">Gives the whole file, and ranges of it.</param>
/// <param name="Parts">
/// Null for most files. A file that shares chunks with other files lies in several blobs: reading the parts in order, straight from
/// the storage, gives the same bytes as <paramref name="Url"/>.
/// </param>
public sealed record FileDownload(string Path, long Size, string Sha256, string Url, IReadOnlyList<DownloadPart>? Parts = null);

/// <summary>Bytes <paramref name="Offset"/> to <paramref name="Offset"/> + <paramref name="Length"/> − 1 of what a URL gives.</summary>
/// <param name="Url">A short-lived URL.</param>
/// <param name="Offset">Where the part begins in what the URL gives.</param>
/// <param name="Length">Bytes.</param>
public sealed record DownloadPart(string Url, long Offset, long Length);
