namespace AiPlatform.GpuRunner.Launch;

/// <summary>What a process in a sandbox sees beside the system's programs and libraries.</summary>
/// <param name="WorkingDirectory">Where it starts; inside one of the folders.</param>
/// <param name="TemporaryDirectory">What it finds at <c>/tmp</c>.</param>
/// <param name="Writable">Folders at their own paths; the file system's rights still hold.</param>
/// <param name="ReadOnly">Folders at their own paths that cannot be changed, also where they lie in a writable one.</param>
/// <param name="Gpus">Whether it uses GPUs: their libraries connect the ranks of a node through shared memory and process ids.</param>
internal sealed record SandboxView(
    string WorkingDirectory, string TemporaryDirectory, IReadOnlyList<string> Writable, IReadOnlyList<string> ReadOnly, bool Gpus)
{
    /// <summary>With GPUs, the folder in memory that the ranks of the node find at <c>/dev/shm</c>.</summary>
    public string? SharedMemory { get; init; }

    /// <summary>Whether no other rank of its node connects to it in that way, so that it needs nobody else's processes and memory.</summary>
    public bool IsAlone { get; init; }
}
