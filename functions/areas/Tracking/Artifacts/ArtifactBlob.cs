namespace AiPlatform.Tracking.Artifacts;

/// <summary>What the name of an artifact's blob says; the inverse of <see cref="ArtifactRow.BlobName"/>.</summary>
/// <param name="Name">The whole name.</param>
/// <param name="Owner">The run or the logged model.</param>
/// <param name="Sha256">Hash of its bytes.</param>
/// <param name="Path">The artifact's path.</param>
internal sealed record ArtifactBlob(string Name, string Owner, byte[] Sha256, string Path)
{
    /// <summary>Reads a name; null when it is another blob's, such as an upload's.</summary>
    public static ArtifactBlob? Parse(string name)
        => name.Split('/', 4) is [var owner, "artifacts", { Length: 64 } hex, var path] && hex.All(char.IsAsciiHexDigitLower)
            ? new ArtifactBlob(name, owner, Convert.FromHexString(hex), path)
            : null;
}
