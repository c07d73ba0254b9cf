namespace AiPlatform.Contracts.Garbage;

/// <summary>What one round of garbage collection did.</summary>
/// <param name="Id">Sorts by time.</param>
/// <param name="StartedAt">When the round began.</param>
/// <param name="EndedAt">Null while it goes on, or when its process died; another round went on then.</param>
/// <param name="Released">By kind, such as <c>runs</c>: how many things were deleted for longer than the retention and cannot be restored any more.</param>
/// <param name="BlobsFreed">Blobs that were deleted from the storage.</param>
/// <param name="FilesFreed">Files, links and blobs that clients had written below the artifact root themselves, and that were deleted with their runs.</param>
/// <param name="BytesFreed">The bytes of both.</param>
/// <param name="BlobsKept">Blobs, and folders of runs, that waited for their deletion and turned out to be in use again.</param>
/// <param name="Failures">Deletions that failed; they are tried again.</param>
public sealed record GarbageReport(
    string Id, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, IReadOnlyDictionary<string, long> Released, long BlobsFreed, long FilesFreed, long BytesFreed, long BlobsKept, long Failures);
