using System.Runtime.InteropServices;
using AiPlatform.GpuRunner.Detect;
using Microsoft.Win32.SafeHandles;

namespace AiPlatform.GpuRunner.Workspace;

/// <summary>
/// Opens files that job code has made. It may have put a link, a pipe, a socket or a device there, and may change the folders in
/// between: no link is followed, nothing but a regular file is opened, and no step waits.
/// </summary>
internal static class JobFile
{
    private const int CurrentDirectory = -100;
    private const int NonBlocking = 0x800;
    private const int NoTerminal = 0x100;
    private const int CloseOnExec = 0x80000;
    private const int PathOnly = 0x200000;
    private const int TypeMask = 0xF000;
    private const int Regular = 0x8000;

    private static readonly bool IsArm = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm;
    private static readonly int DirectoryOnly = IsArm ? 0x4000 : 0x10000;
    private static readonly int NoFollow = IsArm ? 0x8000 : 0x20000;

    private static readonly Dictionary<int, string> Kinds = new()
    {
        [0x1000] = "a pipe", [0x2000] = "a device", [0x4000] = "a folder", [0x6000] = "a device", [0xA000] = "a link", [0xC000] = "a socket",
    };

    /// <summary>Opens a regular file for reading.</summary>
    /// <param name="root">The folder that it must lie in; a path without links.</param>
    /// <param name="path">The file's absolute path.</param>
    /// <exception cref="InvalidDataException">It lies elsewhere, a part of the path is a link, or it is no regular file.</exception>
    /// <exception cref="IOException">It is not there, or cannot be opened now.</exception>
    public static FileStream Open(string root, string path)
    {
        if (!path.StartsWith(root + "/", StringComparison.Ordinal))
        {
            throw new InvalidDataException($"The file '{path}' is outside the job's workspace.");
        }

        var segments = path[(root.Length + 1)..].Split('/');
        if (segments.Any(static segment => segment is "" or "." or ".."))
        {
            throw new InvalidDataException($"The file's path '{path}' is not in its plain form.");
        }

        var folder = OpenAt(CurrentDirectory, root, PathOnly | DirectoryOnly | NoFollow, path);
        try
        {
            foreach (var segment in segments[..^1])
            {
                var next = OpenAt(Descriptor(folder), segment, PathOnly | DirectoryOnly | NoFollow, path);
                folder.Dispose();
                folder = next;
            }

            using var found = OpenAt(Descriptor(folder), segments[^1], PathOnly | NoFollow, path);
            RequireRegular(found, path);

            // The very file that was looked at: a device or a pipe is not opened even for a moment. A lease that job code holds on it
            // makes this fail instead of waiting.
            return new FileStream(OpenAt(CurrentDirectory, $"/proc/self/fd/{Descriptor(found)}", NonBlocking | NoTerminal, path), FileAccess.Read, bufferSize: 0);
        }
        finally
        {
            folder.Dispose();
        }
    }

    /// <summary>Reads a small regular file; null when there is none, or it is something else.</summary>
    public static byte[]? TryRead(string root, string path, int maxBytes)
    {
        try
        {
            using var file = Open(root, path);
            var buffer = new byte[(int)Math.Min(file.Length, maxBytes)];
            return buffer[..file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static int Descriptor(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private static SafeFileHandle OpenAt(int folder, string name, int flags, string path)
    {
        var descriptor = NativeMethods.OpenAt(folder, name, flags | CloseOnExec);
        if (descriptor >= 0)
        {
            return new SafeFileHandle(descriptor, ownsHandle: true);
        }

        var error = Marshal.GetLastPInvokeError();
        throw error switch
        {
            2 => new FileNotFoundException($"The file '{path}' does not exist."),
            20 or 40 => new InvalidDataException($"A part of the path '{path}' is a link, or no folder."),
            _ => new IOException($"The file '{path}' cannot be opened: {Marshal.GetPInvokeErrorMessage(error)}."),
        };
    }

    private static void RequireRegular(SafeFileHandle file, string path)
    {
        var mode = NativeMethods.ModeOf(Descriptor(file));
        var kind = mode & TypeMask;
        if (mode < 0 || kind != Regular)
        {
            throw new InvalidDataException($"'{path}' is {Kinds.GetValueOrDefault(kind, "something else")}; only regular files can be sent.");
        }
    }
}
