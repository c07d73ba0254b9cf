using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Workspace;

namespace AiPlatform.GpuRunner.Report;

/// <summary>What a later life of the runner must know about a node.</summary>
/// <param name="Ranks">The ranks with a log.</param>
/// <param name="SocketDirectory">Outside the data directory, because a socket's path is short.</param>
/// <param name="Traceparent">The trace that its reports belong to; null for none.</param>
internal sealed record NodeState(
    string JobId, int Attempt, int Node, string RunId, IReadOnlyList<int> Ranks, string SocketDirectory, string? Traceparent = null)
{
    public NodeKey Key => new(JobId, Attempt, Node);

    /// <summary>What ranks with GPUs share in memory.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string SharedMemoryDirectory => Path.Combine("/dev/shm", Path.GetFileName(SocketDirectory));
}

/// <summary>The folder of a node: spools, logs, contents of artifacts, workspace. It is removed when everything in it has been sent.</summary>
internal sealed class NodeDirectory(string path)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The folder.</summary>
    public string Path { get; } = path;

    /// <summary>What the ranks see.</summary>
    public string Workspace => In("work");

    /// <summary>Metrics, parameters, tags.</summary>
    public string DataSpool => In("data.spool");

    /// <summary>Artifacts.</summary>
    public string ArtifactSpool => In("artifacts.spool");

    /// <summary>Job events.</summary>
    public string EventSpool => In("events.spool");

    /// <summary>Bytes of artifacts.</summary>
    public string Contents => In("contents");

    private string RefusalFile => In("refused");

    private string StateFile => In("node.json");

    private string TokenFile => In("token");

    private string ProcessesFile => In("processes.json");

    /// <summary>The folder of nodes below a runner's data directory.</summary>
    public static string RootOf(string dataDirectory) => System.IO.Path.Combine(dataDirectory, "nodes");

    /// <summary>All folders that an earlier life left.</summary>
    public static IReadOnlyList<NodeDirectory> List(string dataDirectory)
        => Directory.Exists(RootOf(dataDirectory))
            ? [.. Directory.EnumerateDirectories(RootOf(dataDirectory)).Order(StringComparer.Ordinal).Select(static path => new NodeDirectory(path))]
            : [];

    /// <summary>Makes the folder of a node.</summary>
    public static NodeDirectory Create(string dataDirectory, NodeState state)
    {
        var directory = new NodeDirectory(System.IO.Path.Combine(RootOf(dataDirectory), state.Key.ToString()));
        Directory.CreateDirectory(directory.Contents);
        Directory.CreateDirectory(directory.In("logs"));
        Write(directory.StateFile, JsonSerializer.SerializeToUtf8Bytes(state, ContractsJson.Strict));
        return directory;
    }

    /// <summary>Keeps what could not be stored: a node that lost an artifact has not succeeded, also when the runner starts again meanwhile.</summary>
    public void NoteRefusal(string reason)
    {
        if (!File.Exists(RefusalFile))
        {
            Write(RefusalFile, System.Text.Encoding.UTF8.GetBytes(reason));
        }
    }

    /// <summary>The first thing that could not be stored; null when everything was.</summary>
    public string? ReadRefusal() => File.Exists(RefusalFile) ? File.ReadAllText(RefusalFile) : null;

    /// <summary>A rank's log.</summary>
    public string LogFile(int rank) => In($"logs/rank-{rank}.log");

    /// <summary>The node that this is the folder of; null when the runner died before it was written.</summary>
    public NodeState? ReadState()
    {
        try
        {
            return File.Exists(StateFile) ? JsonSerializer.Deserialize<NodeState>(File.ReadAllBytes(StateFile), ContractsJson.Tolerant) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The token that the node's reports are sent with.</summary>
    public string? ReadToken() => File.Exists(TokenFile) ? File.ReadAllText(TokenFile) : null;

    /// <summary>Keeps the token for a later life; only this account may read it.</summary>
    public void WriteToken(string token) => Write(TokenFile, System.Text.Encoding.UTF8.GetBytes(token));

    /// <summary>The processes that were started, for a later life to end.</summary>
    public IReadOnlyList<ProcessEntry> ReadProcesses()
    {
        try
        {
            return File.Exists(ProcessesFile) ? JsonSerializer.Deserialize<ProcessEntry[]>(File.ReadAllBytes(ProcessesFile)) ?? [] : [];
        }
        catch (JsonException)
        {
            return []; // They are found by the node's tag too.
        }
    }

    /// <summary>Keeps the processes.</summary>
    public void WriteProcesses(IEnumerable<ProcessEntry> processes) => Write(ProcessesFile, JsonSerializer.SerializeToUtf8Bytes(processes.ToArray()));

    /// <summary>Removes the workspace, which no later life needs.</summary>
    /// <returns>Why it is still there; null when it is gone.</returns>
    public string? DeleteWorkspace() => JobFolder.TryDelete(Workspace, TrashFolder);

    /// <summary>Removes the folder.</summary>
    /// <returns>Why it is still there; null when it is gone.</returns>
    public string? Delete() => JobFolder.TryDelete(Path, TrashFolder);

    // The folders of nodes lie two below the data directory.
    private string TrashFolder => Trash.FolderOf(System.IO.Path.GetDirectoryName(System.IO.Path.GetDirectoryName(Path))!);

    private static void Write(string file, byte[] content)
    {
        var temporary = file + ".new";
        File.Delete(temporary);
        using (var stream = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
        {
            stream.Write(content);
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, file, overwrite: true);
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
