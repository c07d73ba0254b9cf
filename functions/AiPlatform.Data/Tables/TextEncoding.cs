using System.Text;

namespace AiPlatform.Data.Tables;

/// <summary>The encoding of a text file: from its byte order mark, else from what its first bytes can be.</summary>
/// <param name="Name"><c>utf-8</c>, <c>utf-8-bom</c>, <c>utf-16le</c>, <c>utf-16be</c>, <c>gb18030</c> or <c>latin1</c>.</param>
/// <param name="Encoding">Replaces what it cannot decode with U+FFFD.</param>
/// <param name="PreambleBytes">Bytes of the mark, which are no text.</param>
internal sealed record TextEncoding(string Name, Encoding Encoding, int PreambleBytes)
{
    private const int MinEvidence = 4;

    static TextEncoding() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>Bytes of one code unit that ends a line.</summary>
    public int UnitBytes => Name.StartsWith("utf-16", StringComparison.Ordinal) ? 2 : 1;

    /// <summary>Finds the encoding out.</summary>
    /// <param name="head">The first bytes.</param>
    /// <param name="isAll">Whether they are the whole file.</param>
    public static TextEncoding Detect(ReadOnlySpan<byte> head, bool isAll)
    {
        if (head.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            return new("utf-8-bom", new UTF8Encoding(false), 3);
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]))
        {
            return new("utf-16le", new UnicodeEncoding(bigEndian: false, byteOrderMark: false), 2);
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
        {
            return new("utf-16be", new UnicodeEncoding(bigEndian: true, byteOrderMark: false), 2);
        }

        if (Zeros(head, 1) is > 0.3 and var odd && odd > 4 * Zeros(head, 0))
        {
            return new("utf-16le", new UnicodeEncoding(bigEndian: false, byteOrderMark: false), 0);
        }

        if (Zeros(head, 0) is > 0.3 and var even && even > 4 * Zeros(head, 1))
        {
            return new("utf-16be", new UnicodeEncoding(bigEndian: true, byteOrderMark: false), 0);
        }

        var utf8 = new TextEncoding("utf-8", new UTF8Encoding(false), 0);
        var (valid, multibyte) = Utf8(head, isAll);
        if (valid)
        {
            return utf8;
        }

        // Several characters of UTF-8 in a row are no accident: what breaks them later is the error.
        if (multibyte < MinEvidence && IsGbk(head, isAll))
        {
            return new("gb18030", Encoding.GetEncoding("gb18030"), 0);
        }

        return multibyte > 0 ? utf8 : new TextEncoding("latin1", Encoding.Latin1, 0);
    }

    private static double Zeros(ReadOnlySpan<byte> head, int parity)
    {
        var zeros = 0;
        for (var i = parity; i < head.Length; i += 2)
        {
            zeros += head[i] == 0 ? 1 : 0;
        }

        return head.Length < 2 ? 0 : zeros / (head.Length / 2d);
    }

    // Whether it is UTF-8, and how many multibyte characters came before the first that is not.
    private static (bool Valid, int Multibyte) Utf8(ReadOnlySpan<byte> head, bool isAll)
    {
        var multibyte = 0;
        while (head.Length > 0)
        {
            var ascii = head.IndexOfAnyInRange((byte)0x80, (byte)0xFF);
            if (ascii < 0)
            {
                break;
            }

            head = head[ascii..];
            var status = Rune.DecodeFromUtf8(head, out _, out var used);
            if (status == System.Buffers.OperationStatus.NeedMoreData && !isAll)
            {
                break;
            }

            if (status != System.Buffers.OperationStatus.Done)
            {
                return (false, multibyte);
            }

            multibyte++;
            head = head[used..];
        }

        return (true, multibyte);
    }

    // Chinese text is pairs of high bytes in the rows of common characters; Western single-byte text has lone high bytes.
    private static bool IsGbk(ReadOnlySpan<byte> head, bool isAll)
    {
        var (pairs, common) = (0, 0);
        for (var i = 0; i < head.Length; i++)
        {
            if (head[i] < 0x80)
            {
                continue;
            }

            if (i + 1 == head.Length)
            {
                return !isAll && pairs > 0;
            }

            if (head[i] is 0x80 or 0xFF || head[i + 1] < 0x40 || head[i + 1] == 0x7F || head[i + 1] == 0xFF)
            {
                return false;
            }

            pairs++;
            common += head[i] is >= 0xA1 and <= 0xF7 && head[i + 1] >= 0xA1 ? 1 : 0;
            i++;
        }

        return pairs > 0 && common >= 0.7 * pairs;
    }
}
