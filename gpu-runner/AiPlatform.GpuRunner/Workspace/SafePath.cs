namespace AiPlatform.GpuRunner.Workspace;

/// <summary>Paths that come from manifests and from job code.</summary>
internal static class SafePath
{
    private const int MaxLength = 1_024;

    /// <summary>Whether a path is relative, with forward slashes, and stays where it begins.</summary>
    public static bool IsValid(string path)
        => path.Length is > 0 and <= MaxLength
            && !path.Contains('\\', StringComparison.Ordinal)
            && !path.Any(char.IsControl)
            && path.Split('/').All(static segment => segment is not ("" or "." or ".."));

    /// <summary>Where an open file really lies, with all links followed.</summary>
    public static string OpenedPath(FileStream file) => new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget ?? "";

    /// <summary>The full path below a root.</summary>
    /// <exception cref="InvalidDataException">The path leaves the root.</exception>
    public static string Resolve(string root, string path)
        => IsValid(path) ? Path.Combine(root, path) : throw new InvalidDataException($"The path '{path}' is not allowed.");
}
