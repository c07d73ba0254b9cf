using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AiPlatform.GpuRunner.Detect;

/// <summary>
/// What the Unix sockets of the machine hold in the kernel (sock_diag(7)). Such bytes are in no process's memory, and without a control
/// group nothing bounds them: each socket may hold megabytes, and a process may have thousands.
/// </summary>
internal static class UnixSockets
{
    private const int Netlink = 16;
    private const int RawCloseOnExec = 3 | 0x80000;
    private const int SocketDiagnosis = 4;
    private const int HeaderBytes = 16;
    private const int MessageBytes = 16;
    private const int BufferBytes = 256 * 1024;
    private const short ErrorType = 2;
    private const short DoneType = 3;
    private const short QueueLength = 4;
    private const short Memory = 5;
    private const int WriteAllocated = 2 * sizeof(int);
    private const byte Datagrams = 2;

    // Of a queue of datagrams the kernel tells the first; there are not more than so many.
    private const long MostDatagrams = 512;

    // A dump of states of all kinds: SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP; AF_UNIX; queue lengths and memory.
    private static readonly byte[] Request = [40, 0, 0, 0, 20, 0, 1, 3, .. new byte[8], 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0x30, .. new byte[11]];

    /// <summary>Bytes by the sockets' inodes: what each has sent and nobody has read, and what waits in it; empty where the kernel does not tell.</summary>
    public static IReadOnlyDictionary<ulong, long> Held()
    {
        var held = new Dictionary<ulong, long>();
        var descriptor = NativeMethods.Socket(Netlink, RawCloseOnExec, SocketDiagnosis);
        if (descriptor < 0)
        {
            return held;
        }

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (NativeMethods.Send(descriptor, Request, (nuint)Request.Length, 0) != Request.Length)
        {
            return held;
        }

        var buffer = new byte[BufferBytes];
        while (true)
        {
            var count = NativeMethods.Receive(descriptor, buffer, (nuint)buffer.Length, 0);
            if (count <= 0 || !Add(buffer.AsSpan(0, (int)count), held))
            {
                return held;
            }
        }
    }

    /// <summary>Adds what one answer says.</summary>
    /// <returns>Whether more follow.</returns>
    internal static bool Add(ReadOnlySpan<byte> answer, Dictionary<ulong, long> held)
    {
        while (answer.Length >= HeaderBytes)
        {
            var length = MemoryMarshal.Read<int>(answer);
            var type = MemoryMarshal.Read<short>(answer[4..]);
            if (type is ErrorType or DoneType || length < HeaderBytes || length > answer.Length)
            {
                return false;
            }

            if (length >= HeaderBytes + MessageBytes)
            {
                var message = answer[HeaderBytes..length];
                held[MemoryMarshal.Read<uint>(message[4..])] = Bytes(message[1], message[MessageBytes..]);
            }

            answer = answer[Math.Min(Aligned(length), answer.Length)..];
        }

        return true;
    }

    private static long Bytes(byte kind, ReadOnlySpan<byte> attributes)
    {
        var bytes = 0L;
        while (attributes.Length >= 4)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(attributes);
            if (length < 4 || length > attributes.Length)
            {
                break;
            }

            var value = attributes[4..length];
            bytes += BinaryPrimitives.ReadInt16LittleEndian(attributes[2..]) switch
            {
                Memory when value.Length >= WriteAllocated + sizeof(int) => MemoryMarshal.Read<uint>(value[WriteAllocated..]),
                QueueLength when value.Length >= sizeof(int) => MemoryMarshal.Read<uint>(value) * (kind == Datagrams ? MostDatagrams : 1L),
                _ => 0,
            };
            attributes = attributes[Math.Min(Aligned(length), attributes.Length)..];
        }

        return bytes;
    }

    private static int Aligned(int length) => (length + 3) & ~3;
}
