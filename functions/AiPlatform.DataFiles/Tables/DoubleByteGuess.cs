namespace AiPlatform.DataFiles.Tables;

/// <summary>
/// Tells the encodings of East Asian text apart by the rows of their tables that hold common characters: a second opinion where the
/// frequencies of letters say little, as they do of a few names.
/// </summary>
internal static class DoubleByteGuess
{
    private const double MinShare = 0.85;
    private const int MinHangul = 6;

    /// <summary>The name of the encoding whose common characters most of the text is; null when it is none.</summary>
    /// <param name="head">Text that is not UTF-8.</param>
    public static string? Of(ReadOnlySpan<byte> head)
    {
        var (korean, pairs) = Share(head, static lead => lead >= 0xA1, static trail => trail >= 0xA1, static (lead, _) => lead is >= 0xB0 and <= 0xC8);
        if (korean > 0.97 && pairs >= MinHangul)
        {
            return "euc-kr";
        }

        // Mainland text is seldom written otherwise: it comes first of those that fit alike.
        var (chinese, _) = Share(head, static lead => lead >= 0x81, static trail => trail >= 0x30, static (lead, trail) => lead is >= 0xB0 and <= 0xD7 && trail >= 0xA1);
        var (traditional, _) = Share(head, static lead => lead >= 0x81, static trail => trail >= 0x40, static (lead, _) => lead is >= 0xA4 and <= 0xC6);
        var (japanese, _) = Share(
            head, static lead => lead is >= 0x81 and <= 0x9F or >= 0xE0 and <= 0xEF, static trail => trail >= 0x40, static (lead, _) => lead is 0x82 or 0x83 or >= 0x88 and <= 0x97);
        var best = Math.Max(chinese, Math.Max(traditional, japanese));
        return best < MinShare ? null : best == chinese ? "gb18030" : best == traditional ? "big5" : "shift_jis";
    }

    // The share of common characters among those of two bytes, punctuation aside; 0 where something is no character.
    private static (double Share, int Pairs) Share(ReadOnlySpan<byte> head, Func<byte, bool> isLead, Func<byte, bool> isTrail, Func<byte, byte, bool> isCommon)
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
                break;
            }

            if (!isLead(head[i]) || !isTrail(head[i + 1]))
            {
                return (0, 0);
            }

            if (head[i] is not (0xA1 or 0xA3 or 0x81))
            {
                pairs++;
                common += isCommon(head[i], head[i + 1]) ? 1 : 0;
            }

            i++;
        }

        return (pairs == 0 ? 0 : common / (double)pairs, pairs);
    }
}
