namespace AiPlatform.Contracts.Garbage;

/// <summary>What waits for garbage collection, and what it has done.</summary>
/// <param name="BlobsWaiting">Blobs that will be deleted when they are due.</param>
/// <param name="BytesWaiting">Their bytes, as far as they are known.</param>
/// <param name="BlobsFailing">Those of them whose deletion has failed before.</param>
/// <param name="FoldersWaiting">Folders of runs below the artifact root that will be deleted when they are due.</param>
/// <param name="FoldersFailing">Those of them whose deletion has failed before.</param>
/// <param name="RetentionSeconds">How long deleted things can be restored.</param>
/// <param name="Last">The newest report; null when nothing was ever collected.</param>
public sealed record GarbageStatus(long BlobsWaiting, long BytesWaiting, long BlobsFailing, long FoldersWaiting, long FoldersFailing, long RetentionSeconds, GarbageReport? Last);
