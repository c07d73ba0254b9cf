using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace AiPlatform.DataFiles.Tables;

/// <summary>What speaks for and against UTF-8 in a piece of a file.</summary>
/// <param name="Valid">Characters of several bytes.</param>
/// <param name="Invalid">Places that are not UTF-8.</param>
/// <param name="BeforeInvalid">Characters of several bytes before the first such place.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Utf8Evidence(int Valid, int Invalid, int BeforeInvalid)
{
    private const int MinRun = 4;

    /// <summary>
    /// Whether it is UTF-8, with mistakes at most. Several characters in a row are no accident, nor many against few mistakes: what
    /// breaks them is the error then, not the guess.
    /// </summary>
    public bool IsUtf8 => Invalid == 0 || BeforeInvalid >= MinRun || Valid >= 4 * Invalid;

    /// <param name="bytes">The piece.</param>
    /// <param name="isAll">Whether the file ends with it.</param>
    public static Utf8Evidence Of(ReadOnlySpan<byte> bytes, bool isAll)
    {
        var (valid, invalid, before) = (0, 0, 0);
        while (true)
        {
            var next = bytes.IndexOfAnyInRange((byte)0x80, (byte)0xFF);
            if (next < 0)
            {
                return new(valid, invalid, before);
            }

            bytes = bytes[next..];
            var status = Rune.DecodeFromUtf8(bytes, out _, out var used);
            if (status == OperationStatus.NeedMoreData && !isAll)
            {
                return new(valid, invalid, before);
            }

            if (status == OperationStatus.Done)
            {
                valid++;
                before += invalid == 0 ? 1 : 0;
            }
            else
            {
                invalid++;
            }

            bytes = bytes[used..];
        }
    }
}
