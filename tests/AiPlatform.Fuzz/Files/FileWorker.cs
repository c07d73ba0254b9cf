using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace AiPlatform.Fuzz.Files;

/// <summary>
/// The process that reads files for a fuzzer: native code that crashes takes it along and not the fuzzer. On its input are a kind and a
/// file, each behind its length; on its output how it ended, the most memory that it took, and a text.
/// </summary>
internal static class FileWorker
{
    /// <summary>The argument that makes this program a worker.</summary>
    public const string Argument = "file-worker";

    /// <summary>Reads files until its input ends.</summary>
    public static async Task<int> RunAsync()
    {
        using var input = Console.OpenStandardInput();
        using var output = Console.OpenStandardOutput();
        using var readers = new FileReaders();
        while (await ReadAsync(input) is { } kind)
        {
            var content = await ReadAsync(input) ?? [];
            ForgetPeak();
            var before = PeakMegabytes();
            var (state, text) = await TryAsync(readers, Encoding.UTF8.GetString(kind), content);
            await WriteAsync(output, state, Math.Max(0, PeakMegabytes() - before), text);
        }

        return 0;
    }

    /// <summary>Writes bytes behind their length.</summary>
    public static void Write(Stream stream, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        stream.Write(length);
        stream.Write(bytes);
    }

    /// <summary>Reads bytes behind their length; null at the end.</summary>
    public static async Task<byte[]?> ReadAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        var length = new byte[4];
        if (await stream.ReadAtLeastAsync(length, 4, throwOnEndOfStream: false, cancellationToken) < 4)
        {
            return null;
        }

        var bytes = new byte[BinaryPrimitives.ReadInt32LittleEndian(length)];
        await stream.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }

    private static async Task<(FileState State, string Text)> TryAsync(FileReaders readers, string kind, byte[] content)
    {
        try
        {
            var problems = await readers.ReadAsync(kind, content, CancellationToken.None);
            return problems.Count == 0 ? (FileState.Read, string.Empty) : (FileState.Refused, string.Join(' ', problems));
        }
        catch (Exception exception)
        {
            return (FileState.Failed, exception.ToString());
        }
    }

    private static async Task WriteAsync(Stream output, FileState state, int megabytes, string text)
    {
        using var answer = new MemoryStream();
        answer.WriteByte((byte)state);
        Write(answer, Encoding.UTF8.GetBytes(megabytes.ToString(CultureInfo.InvariantCulture)));
        Write(answer, Encoding.UTF8.GetBytes(text));
        await output.WriteAsync(answer.ToArray());
        await output.FlushAsync();
    }

    // The kernel keeps the most memory that a process had; 5 makes it begin anew.
    private static void ForgetPeak() => File.WriteAllText("/proc/self/clear_refs", "5");

    private static int PeakMegabytes()
        => int.Parse(File.ReadLines("/proc/self/status").First(static line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1].Trim(), CultureInfo.InvariantCulture) / 1024;
}

/// <summary>How reading a file ended.</summary>
internal enum FileState : byte
{
    /// <summary>All of it was read.</summary>
    Read,

    /// <summary>Something was wrong with it, and that was said.</summary>
    Refused,

    /// <summary>A fault of the reader.</summary>
    Failed,

    /// <summary>It took too long.</summary>
    Hung,

    /// <summary>The process is gone.</summary>
    Crashed,
}
