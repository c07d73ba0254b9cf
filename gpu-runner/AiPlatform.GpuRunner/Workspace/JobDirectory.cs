using System.Buffers.Binary;
using System.Runtime.InteropServices;
using AiPlatform.GpuRunner.Detect;

namespace AiPlatform.GpuRunner.Workspace;

/// <summary>What a folder holds: the name as the kernel has it (any bytes, ended by a zero), and whether it is a folder itself.</summary>
internal readonly record struct JobEntry(byte[] Name, bool IsFolder);

/// <summary>
/// An open folder that job code has made. It is read and changed through its descriptor: no path is ever built, so that depth, names that
/// are no text and links do not matter.
/// </summary>
internal sealed class JobDirectory : IDisposable
{
    private const int CurrentDirectory = -100;
    private const int RemoveFolder = 0x200;
    private const int CloseOnExec = 0x80000;
    private const int PathOnly = 0x200000;
    private const int NoPermission = 13;
    private const int OwnerRights = 0x1C0;
    private const int BufferBytes = 8 * 1024;
    private const byte UnknownType = 0;
    private const byte FolderType = 4;
    private const int TypeMask = 0xF000;
    private const int FolderMode = 0x4000;
    private const int RegularMode = 0x8000;

    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;
    private static readonly int FolderNoFollow = IsArm ? 0x4000 | 0x8000 : 0x10000 | 0x20000;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly int _descriptor;
    private int _length;
    private int _position;

    private JobDirectory(int descriptor) => _descriptor = descriptor;

    /// <summary>Opens a folder; null when there is none at the path.</summary>
    /// <param name="path">Its path, which is the runner's.</param>
    /// <param name="takeRights">Whether rights that its owner has taken away are given back.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public static JobDirectory? Open(string path, bool takeRights = false)
        => Open(CurrentDirectory, [.. System.Text.Encoding.UTF8.GetBytes(path), 0], takeRights);

    /// <summary>Opens a folder in this one; null when it is not there, or is a link or no folder by now.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public JobDirectory? Open(byte[] name, bool takeRights = false) => Open(_descriptor, name, takeRights);

    /// <summary>The next entry; null at the end. Entries may be removed meanwhile.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public JobEntry? Next()
    {
        const int NameOffset = 19;
        while (true)
        {
            if (_position >= _length)
            {
                _length = (int)NativeMethods.ReadFolder(_descriptor, _buffer, (nuint)_buffer.Length);
                _position = 0;
                if (_length <= 0)
                {
                    return _length == 0 ? null : throw Failure("read");
                }
            }

            var record = _buffer.AsSpan(_position);
            _position += BinaryPrimitives.ReadUInt16LittleEndian(record[16..]);
            var name = record[NameOffset..];
            name = name[..(name.IndexOf((byte)0) + 1)];
            if (name.SequenceEqual(".\0"u8) || name.SequenceEqual("..\0"u8))
            {
                continue;
            }

            var bytes = name.ToArray();
            var type = record[NameOffset - 1];
            return new JobEntry(bytes, type == FolderType || (type == UnknownType && (NativeMethods.StatusOf(_descriptor, bytes).Mode & TypeMask) == FolderMode));
        }
    }

    /// <summary>Begins again with the first entry.</summary>
    public void Rewind()
    {
        _length = _position = 0;
        if (NativeMethods.Seek(_descriptor, 0, 0) < 0)
        {
            throw Failure("read");
        }
    }

    /// <summary>The size of a regular file in this folder; 0 when it is something else, or gone.</summary>
    public long SizeOf(byte[] name) => NativeMethods.StatusOf(_descriptor, name) is var status && (status.Mode & TypeMask) == RegularMode ? status.Size : 0;

    /// <summary>Removes a file or an empty folder in this one.</summary>
    public bool TryRemove(JobEntry entry) => NativeMethods.UnlinkAt(_descriptor, entry.Name, entry.IsFolder ? RemoveFolder : 0) == 0;

    /// <summary>Moves a folder of this one into another one.</summary>
    public bool TryMove(byte[] name, JobDirectory target, string newName)
        => NativeMethods.RenameAt(_descriptor, name, target._descriptor, [.. System.Text.Encoding.UTF8.GetBytes(newName), 0]) == 0;

    /// <inheritdoc />
    public void Dispose() => _ = NativeMethods.Close(_descriptor);

    /// <summary>The last call's error.</summary>
    public static IOException Failure(string what)
        => new($"A job's folder cannot be {what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.");

    private static JobDirectory? Open(int folder, byte[] name, bool takeRights)
    {
        var descriptor = NativeMethods.OpenAt(folder, name, FolderNoFollow | CloseOnExec);
        if (descriptor < 0 && takeRights && Marshal.GetLastPInvokeError() == NoPermission)
        {
            // The very folder that was looked at, never what a link leads to.
            var place = NativeMethods.OpenAt(folder, name, PathOnly | FolderNoFollow | CloseOnExec);
            if (place >= 0)
            {
                _ = NativeMethods.ChangeMode($"/proc/self/fd/{place}", OwnerRights);
                _ = NativeMethods.Close(place);
            }

            descriptor = NativeMethods.OpenAt(folder, name, FolderNoFollow | CloseOnExec);
        }

        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError() is 2 or 20 or 40 ? null : throw Failure("opened");
        }

        if (takeRights)
        {
            _ = NativeMethods.ChangeMode(descriptor, OwnerRights);
        }

        return new JobDirectory(descriptor);
    }
}
