using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.MLflow.Artifacts;

/// <summary>
/// Names of artifacts: as <see cref="RelativePath"/> has them, and percent signs too (<c>100%.png</c>, <c>a%20b</c>). However often
/// somebody decodes such a name, it stays in its folder.
/// </summary>
internal static class ArtifactName
{
    /// <summary>Null when the path is fine, else the reason in a few words.</summary>
    public static string? Problem(string path)
        => RelativePath.Problem(path.Replace('%', '_')) is { } problem ? problem
            : path.Contains('%', StringComparison.Ordinal) && !StaysInside(path, LocationUri.Decoded(path)) ? "it leads elsewhere once it is decoded"
            : null;

    /// <summary>The last part of a path on whatever machine.</summary>
    public static string Last(string path) => path[(path.LastIndexOfAny(['/', '\\']) + 1)..];

    private static bool StaysInside(string path, string decoded)
        => decoded.AsSpan().Count('/') == path.AsSpan().Count('/') && !decoded.Any(char.IsControl) && !decoded.Contains('\\', StringComparison.Ordinal)
            && !decoded.Split('/').Any(static part => part is "" or "." or "..");
}
