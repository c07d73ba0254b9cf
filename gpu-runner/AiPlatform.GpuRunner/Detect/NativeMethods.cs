using System.Runtime.InteropServices;

namespace AiPlatform.GpuRunner.Detect;

/// <summary>
/// Calls into the NVIDIA Management Library (C ABI of <c>nvml.h</c>) through addresses of the library that the options name,
/// and into libc for what .NET does not offer about processes.
/// </summary>
internal static partial class NativeMethods
{
    /// <summary>Makes orphaned descendants children of this process, so that none can slip away.</summary>
    public const int PrSetChildSubreaper = 36;

    /// <summary>Do not wait.</summary>
    public const int WaitNoHang = 1;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    internal static partial int Kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    internal static partial int ProcessControl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    internal static partial int WaitPid(int processId, out int status, int options);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    internal static partial uint GetEffectiveUserId();

    [LibraryImport("libc", EntryPoint = "lchown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int ChangeOwner(string path, uint userId, uint groupId);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int Link(string existing, string path);

    [LibraryImport("libc", EntryPoint = "openat", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int OpenAt(int folder, string path, int flags);

    /// <summary>The type and rights of an open file (<c>stx_mode</c> of statx); negative when it cannot be told.</summary>
    internal static unsafe int ModeOf(int descriptor)
    {
        const int EmptyPath = 0x1000;
        const uint TypeAndMode = 3;
        const int ModeOffset = 28;
        var status = stackalloc byte[256];
        byte empty = 0;
        return StatX(descriptor, &empty, EmptyPath, TypeAndMode, status) == 0 ? *(ushort*)(status + ModeOffset) : -1;
    }

    /// <summary>
    /// The type and rights of what a folder holds under a name, links not followed, and its bytes: the length, or what it takes on the disk
    /// where that is more by a block, for a file may own more than it shows. Negative and 0 when it is gone.
    /// </summary>
    internal static unsafe (int Mode, long Size) StatusOf(int folder, byte[] name)
    {
        const int NoFollow = 0x100;
        const uint TypeModeSizeAndBlocks = 0x603;
        const int ModeOffset = 28;
        const int SizeOffset = 40;
        const int BlocksOffset = 48;
        const long SectorBytes = 512;
        const long BlockBytes = 4096;
        var status = stackalloc byte[256];
        fixed (byte* path = name)
        {
            if (StatX(folder, path, NoFollow, TypeModeSizeAndBlocks, status) != 0)
            {
                return (-1, 0);
            }

            var (size, owned) = (*(long*)(status + SizeOffset), *(long*)(status + BlocksOffset) * SectorBytes);
            return (*(ushort*)(status + ModeOffset), owned > size + BlockBytes ? owned : size);
        }
    }

    /// <summary>A regular file that has no name any more, by a path below <c>/proc</c> that leads to it; null when it is something else, or gone.</summary>
    internal static unsafe (ulong Device, ulong Inode, long Bytes, bool InMemory)? NamelessFile(string path)
    {
        const int TypeMask = 0xF000;
        const int Regular = 0x8000;
        const int LinksOffset = 16;
        const int ModeOffset = 28;
        const int InodeOffset = 32;
        const int BlocksOffset = 48;
        const long BlockBytes = 512;
        var status = stackalloc byte[256];
        if (!TryStatus(path, status) || (*(ushort*)(status + ModeOffset) & TypeMask) != Regular || *(uint*)(status + LinksOffset) != 0)
        {
            return null;
        }

        var system = stackalloc byte[256];
        return StatFs(path, system) == 0
            ? (DeviceOf(status), *(ulong*)(status + InodeOffset), *(long*)(status + BlocksOffset) * BlockBytes,
                *(uint*)system is 0x01021994 or 0x858458F6 or 0x958458F6) // tmpfs, ramfs, hugetlbfs
            : null;
    }

    /// <summary>The device of a file system, and the bytes in use on it; null when the path leads nowhere.</summary>
    internal static unsafe (ulong Device, long Bytes)? UseOf(string path)
    {
        const int BlockSizeOffset = 8;
        const int BlocksOffset = 16;
        const int FreeOffset = 24;
        var status = stackalloc byte[256];
        var system = stackalloc byte[256];
        return TryStatus(path, status) && StatFs(path, system) == 0
            ? (DeviceOf(status), (*(long*)(system + BlocksOffset) - *(long*)(system + FreeOffset)) * *(long*)(system + BlockSizeOffset))
            : null;
    }

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    internal static partial int OpenAt(int folder, byte[] path, int flags);

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    internal static partial nint ReadFolder(int descriptor, [Out] byte[] buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    internal static partial long Seek(int descriptor, long offset, int origin);

    [LibraryImport("libc", EntryPoint = "unlinkat", SetLastError = true)]
    internal static partial int UnlinkAt(int folder, byte[] path, int flags);

    [LibraryImport("libc", EntryPoint = "renameat", SetLastError = true)]
    internal static partial int RenameAt(int folder, byte[] path, int newFolder, byte[] newPath);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    internal static partial int ChangeMode(int descriptor, int mode);

    [LibraryImport("libc", EntryPoint = "chmod", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int ChangeMode(string path, int mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    internal static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    internal static partial nint Send(int socket, byte[] buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    internal static partial nint Receive(int socket, [Out] byte[] buffer, nuint length, int flags);

    /// <summary>Changes how a thread (0: this one) is scheduled; of the parameters the kernel knows only the priority.</summary>
    [LibraryImport("libc", EntryPoint = "sched_setscheduler", SetLastError = true)]
    internal static partial int SetScheduler(int thread, int policy, in int priority);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static unsafe partial int StatX(int folder, byte* path, int flags, uint mask, byte* status);

    [LibraryImport("libc", EntryPoint = "statfs", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial int StatFs(string path, byte* status);

    // Never asks a server: file systems may be remote.
    private static unsafe bool TryStatus(string path, byte* status)
    {
        const int CurrentDirectory = -100;
        const int DontSync = 0x4000;
        const uint Basic = 0x7FF;
        fixed (byte* name = System.Text.Encoding.UTF8.GetBytes(path + '\0'))
        {
            return StatX(CurrentDirectory, name, DontSync, Basic, status) == 0;
        }
    }

    private static unsafe ulong DeviceOf(byte* status)
    {
        const int MajorOffset = 136;
        const int MinorOffset = 140;
        return ((ulong)*(uint*)(status + MajorOffset) << 32) | *(uint*)(status + MinorOffset);
    }

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlInit_v2")]
    internal static partial NvmlReturn NvmlInit();

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlShutdown")]
    internal static partial NvmlReturn NvmlShutdown();

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlSystemGetDriverVersion")]
    internal static unsafe partial NvmlReturn NvmlSystemGetDriverVersion(byte* version, uint length);

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlDeviceGetCount_v2")]
    internal static partial NvmlReturn NvmlDeviceGetCount(out uint count);

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlDeviceGetHandleByIndex_v2")]
    internal static partial NvmlReturn NvmlDeviceGetHandleByIndex(uint index, out nint device);

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlDeviceGetName")]
    internal static unsafe partial NvmlReturn NvmlDeviceGetName(nint device, byte* name, uint length);

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlDeviceGetUUID")]
    internal static unsafe partial NvmlReturn NvmlDeviceGetUuid(nint device, byte* uuid, uint length);

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlDeviceGetMemoryInfo")]
    internal static partial NvmlReturn NvmlDeviceGetMemoryInfo(nint device, out NvmlMemory memory);

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlDeviceGetUtilizationRates")]
    internal static partial NvmlReturn NvmlDeviceGetUtilizationRates(nint device, out NvmlUtilization utilization);

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlDeviceGetTemperature")]
    internal static partial NvmlReturn NvmlDeviceGetTemperature(nint device, int sensor, out uint celsius);

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlDeviceGetPowerUsage")]
    internal static partial NvmlReturn NvmlDeviceGetPowerUsage(nint device, out uint milliwatts);

    [LibraryImport(Nvml.Library, EntryPoint = "nvmlDeviceGetComputeRunningProcesses_v3")]
    internal static unsafe partial NvmlReturn NvmlDeviceGetComputeRunningProcesses(nint device, ref uint count, NvmlProcess* processes);
}

/// <summary>nvmlReturn_t: the codes that the runner tells apart.</summary>
internal enum NvmlReturn
{
    Success = 0,
    Uninitialized = 1,
    NotSupported = 3,
    NoPermission = 4,
    NotFound = 6,
    InsufficientSize = 7,
    DriverNotLoaded = 9,
    GpuIsLost = 15,
}

/// <summary>nvmlMemory_t, bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NvmlMemory
{
    public ulong Total;
    public ulong Free;
    public ulong Used;
}

/// <summary>nvmlUtilization_t, percent.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NvmlUtilization
{
    public uint Gpu;
    public uint Memory;
}

/// <summary>nvmlProcessInfo_t as of the _v2 and _v3 functions.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NvmlProcess
{
    public uint ProcessId;
    public ulong UsedGpuMemory;
    public uint GpuInstanceId;
    public uint ComputeInstanceId;
}
