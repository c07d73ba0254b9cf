namespace AiPlatform.GpuRunner.Workspace;

/// <summary>The folders that the ranks of a node see. Code, home, temporary and checkpoint folders are theirs; data is read-only to them.</summary>
/// <param name="Root">The folder of the workspace.</param>
/// <param name="Entrypoint">The Python file to start.</param>
internal sealed record NodeWorkspace(string Root, string Entrypoint)
{
    /// <summary>Current folder of the ranks.</summary>
    public string CodeDirectory => CodeOf(Root);

    /// <summary>One folder per dataset.</summary>
    public string DataDirectory => DataOf(Root);

    /// <summary>The ranks' HOME.</summary>
    public string HomeDirectory => HomeOf(Root);

    /// <summary>The ranks' TMPDIR.</summary>
    public string TemporaryDirectory => TemporaryOf(Root);

    /// <summary>The job's parameters as JSON.</summary>
    public string ParamsFile => Path.Combine(Root, "params.json");

    internal static string CodeOf(string root) => Path.Combine(root, "code");

    internal static string DataOf(string root) => Path.Combine(root, "data");

    internal static string HomeOf(string root) => Path.Combine(root, "home");

    internal static string TemporaryOf(string root) => Path.Combine(root, "tmp");
}

/// <summary>The job cannot run as it is: no repeat helps.</summary>
internal sealed class WorkspaceException(string message) : Exception(message);

/// <summary>The checkpoint to go on from.</summary>
internal sealed record StagedCheckpoint(string Path, long Step);
