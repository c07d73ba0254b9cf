namespace AiPlatform.Data.Datasets;

/// <summary>Names of blobs. Where the bytes of a file are only <see cref="ContentReader"/> knows: in one blob, or in parts of several.</summary>
internal static class ContentAddress
{
    /// <summary>The place of content that was verified before contents had blobs of their own names.</summary>
    public static string Before(string projectId, string sha256) => $"{projectId}/sha256/{sha256[..2]}/{sha256}";

    /// <summary>A new place for verified content: shared by all versions of a project, never written by clients, never used again.</summary>
    public static string Stored(string projectId, string sha256, string id) => $"{projectId}/sha256/{sha256[..2]}/{sha256}-{id}";

    /// <summary>
    /// Where a client puts content of a draft. A place of its own, so that an upload URL that still works after the
    /// commit cannot change what was verified.
    /// </summary>
    public static string Upload(string projectId, string versionId, string sha256) => $"{projectId}/uploads/{versionId}/{sha256}";
}
