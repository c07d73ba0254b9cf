namespace AiPlatform.Ports.Tracking;

/// <summary>What the name of an artifact's blob says, in the container of runs: <c>{owner}/artifacts/{sha256}/{path}</c>.</summary>
/// <param name="FullName">The whole name.</param>
/// <param name="Owner">The run or the logged model.</param>
/// <param name="Sha256">Hash of its bytes.</param>
/// <param name="Path">The artifact's path.</param>
public sealed record RunBlob(string FullName, string Owner, byte[] Sha256, string Path)
{
    /// <summary>The name of an artifact's verified bytes: the hash in it keeps what a model version refers to when the path is written again.</summary>
    /// <param name="sha256">64 lower-case hex digits.</param>
    public static string Name(string owner, string sha256, string path) => $"{owner}/artifacts/{sha256}/{path}";

    /// <summary>Reads a name; null when it is another blob's, such as an upload's.</summary>
    public static RunBlob? Parse(string name)
        => name.Split('/', 4) is [var owner, "artifacts", { Length: 64 } hex, var path] && hex.All(char.IsAsciiHexDigitLower)
            ? new RunBlob(name, owner, Convert.FromHexString(hex), path)
            : null;

    /// <summary>Blobs as arrays of a statement: <c>names</c>, <c>owners</c>, <c>hashes</c>, <c>paths</c>.</summary>
    public static object Columns(IReadOnlyCollection<RunBlob> blobs) => new
    {
        names = blobs.Select(static blob => blob.FullName).ToArray(),
        owners = blobs.Select(static blob => blob.Owner).ToArray(),
        hashes = blobs.Select(static blob => blob.Sha256).ToArray(),
        paths = blobs.Select(static blob => blob.Path).ToArray(),
    };
}
