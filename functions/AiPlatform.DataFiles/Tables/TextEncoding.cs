using System.Buffers;
using System.Text;
using UtfUnknown;

namespace AiPlatform.DataFiles.Tables;

/// <summary>The encoding of a text file: from its byte order mark, else from what its bytes can be.</summary>
/// <param name="Name"><c>utf-8</c>, <c>utf-8-bom</c>, <c>utf-16le</c>, <c>utf-16be</c>, <c>latin1</c> or the name that IANA gives it.</param>
/// <param name="Encoding">Replaces what it cannot decode with U+FFFD.</param>
/// <param name="PreambleBytes">Bytes of the mark, which are no text.</param>
/// <param name="Confidence">How sure it is, from 0 to 1.</param>
internal sealed record TextEncoding(string Name, Encoding Encoding, int PreambleBytes, double Confidence)
{
    // Text of letters only says little about a code page of single bytes; what is left when nothing fits says less.
    private const double AsciiOnly = 0.9;
    private const double Damaged = 0.7;
    private const double Rest = 0.3;
    private const double Sure = 0.6;
    private const double Second = 0.55;

    // Where the Turkish code page has letters of its own.
    private static readonly SearchValues<byte> Turkish = SearchValues.Create([0xD0, 0xDD, 0xDE, 0xF0, 0xFD, 0xFE]);

    static TextEncoding() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>Bytes of one code unit that ends a line.</summary>
    public int UnitBytes => Name.StartsWith("utf-16", StringComparison.Ordinal) ? 2 : 1;

    /// <summary>The encoding of that name, as somebody told it; null when there is none.</summary>
    public static TextEncoding? Named(string name)
    {
        var wanted = name.Trim().ToLowerInvariant();
        switch (wanted)
        {
            case "utf-8" or "utf8" or "utf-8-bom" or "utf-8-sig":
                return new("utf-8", new UTF8Encoding(false), 0, 1);
            case "utf-16le" or "utf-16":
                return Utf16(isBig: false, 0, 1);
            case "utf-16be":
                return Utf16(isBig: true, 0, 1);
            case "latin1" or "iso-8859-1":
                return new("latin1", Encoding.Latin1, 0, 1);
            case "gbk" or "gb2312" or "cp936" or "gb18030":
                return new("gb18030", Encoding.GetEncoding("gb18030"), 0, 1);
            case "euc-kr" or "cp949" or "uhc" or "ks_c_5601-1987":
                // Windows's superset: files that say EUC-KR have its further syllables.
                return new("euc-kr", Encoding.GetEncoding(949), 0, 1);
            default:
                break;
        }

        try
        {
            // UTF-7 is a way around filters, and UTF-32 no file of lines.
            var encoding = Encoding.GetEncoding(wanted is ['c', 'p', >= '0' and <= '9', ..] ? $"windows-{wanted[2..]}" : wanted);
            return encoding.WebName.StartsWith("utf", StringComparison.Ordinal) ? null : new(encoding.WebName, encoding, 0, 1);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The encoding that was told, with the mark that the file may begin with.</summary>
    public TextEncoding WithMarkOf(ReadOnlySpan<byte> head)
    {
        var mark = Name switch
        {
            "utf-8" => (ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF],
            "utf-16le" => [0xFF, 0xFE],
            "utf-16be" => [0xFE, 0xFF],
            "gb18030" => [0x84, 0x31, 0x95, 0x33],
            _ => [],
        };
        return mark.Length > 0 && head.StartsWith(mark) ? this with { PreambleBytes = mark.Length } : this;
    }

    /// <summary>Finds the encoding out.</summary>
    /// <param name="head">The first bytes.</param>
    /// <param name="isAll">Whether they are the whole file.</param>
    public static TextEncoding Detect(ReadOnlySpan<byte> head, bool isAll)
    {
        if (head.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            return new("utf-8-bom", new UTF8Encoding(false), 3, 1);
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]))
        {
            return Utf16(isBig: false, 2, 1);
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
        {
            return Utf16(isBig: true, 2, 1);
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0x84, 0x31, 0x95, 0x33]))
        {
            return new("gb18030", Encoding.GetEncoding("gb18030"), 4, 1);
        }

        if (Zeros(head, 1) is > 0.3 and var odd && odd > 4 * Zeros(head, 0))
        {
            return Utf16(isBig: false, 0, AsciiOnly);
        }

        if (Zeros(head, 0) is > 0.3 and var even && even > 4 * Zeros(head, 1))
        {
            return Utf16(isBig: true, 0, AsciiOnly);
        }

        var utf8 = Utf8Evidence.Of(head, isAll);
        return utf8.IsUtf8
            ? new("utf-8", new UTF8Encoding(false), 0, utf8.Invalid > 0 ? Damaged : utf8.Valid > 0 || isAll ? 1 : AsciiOnly)
            : Legacy(head);
    }

    private static TextEncoding Utf16(bool isBig, int preamble, double confidence)
        => new(isBig ? "utf-16be" : "utf-16le", new UnicodeEncoding(isBig, byteOrderMark: false), preamble, confidence);

    // The first guess that decodes every byte: the letters' frequencies alone do not see bytes that an encoding does not have.
    private static TextEncoding Legacy(ReadOnlySpan<byte> head)
    {
        TextEncoding? weak = null;
        foreach (var guess in CharsetDetector.DetectFromBytes(head.ToArray()).Details)
        {
            if (Named(guess.EncodingName) is { } named && (named = Wider(named, head)).Decodes(head))
            {
                weak = named with { Confidence = Math.Round(Math.Clamp(guess.Confidence, 0, 0.99), 2) };
                break;
            }
        }

        if (weak is { Confidence: >= Sure })
        {
            return weak;
        }

        // Few characters, or the same ones again and again: the rows of the tables say more than frequencies.
        if (DoubleByteGuess.Of(head) is { } name && Named(name)! is var asian && asian.Decodes(head))
        {
            return asian with { Confidence = name == weak?.Name ? Math.Max(Second, weak.Confidence) : Second };
        }

        var western = Wider(new("latin1", Encoding.Latin1, 0, Rest), head);
        return weak is { Confidence: >= Rest } ? weak : western.Decodes(head) ? western with { Confidence = Rest } : new("latin1", Encoding.Latin1, 0, Rest);
    }

    // Code pages that differ only where the bytes do not: the wider, or the more usual one.
    private static TextEncoding Wider(TextEncoding encoding, ReadOnlySpan<byte> head) => encoding.Name switch
    {
        "latin1" or "iso-8859-15" or "windows-1252" => head.ContainsAnyInRange((byte)0x80, (byte)0x9F) ? Named("windows-1252")! : Named("latin1")!,
        "iso-8859-9" or "windows-1254" when !head.ContainsAny(Turkish)
            => head.ContainsAnyInRange((byte)0x80, (byte)0x9F) ? Named("windows-1252")! : Named("latin1")!,
        "iso-8859-9" => Named("windows-1254")!,
        "tis-620" => Named("windows-874")!,
        _ => encoding,
    };

    private bool Decodes(ReadOnlySpan<byte> head)
    {
        var decoder = Encoding.GetDecoder();
        decoder.Fallback = DecoderFallback.ExceptionFallback;
        var buffer = new char[4096];
        try
        {
            // The last character may be cut off: nothing is flushed.
            while (head.Length > 0)
            {
                decoder.Convert(head, buffer, flush: false, out var used, out var chars, out _);
                if (buffer.AsSpan(0, chars).ContainsAnyInRange('\u0080', '\u009F'))
                {
                    return false;
                }

                head = head[used..];
            }

            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
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
}
