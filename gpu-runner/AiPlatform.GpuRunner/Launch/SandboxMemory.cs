using AiPlatform.GpuRunner.Detect;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>Files that job code keeps in its sandbox's file system in memory (<c>/dev/shm</c>), mapped or not.</summary>
internal static class SandboxMemory
{
    /// <summary>Bytes, and the device of the file system; null where a process sees the machine's own one.</summary>
    /// <param name="process">A process of the sandbox that job code cannot change.</param>
    public static (ulong Device, long Bytes)? Of(int process)
    {
        const string folder = "dev/shm";
        return NativeMethods.UseOf($"/proc/{process}/root/{folder}") is { } use && use.Device != NativeMethods.UseOf($"/{folder}")?.Device ? use : null;
    }
}
