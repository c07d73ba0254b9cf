using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Data.Datasets;

/// <summary>Decides which chunks of a file a client has to upload.</summary>
internal static class MissingChunks
{
    /// <summary>
    /// Runs of chunks that are not known, each chunk once. Null when most of the file is new: then it is stored as one blob, which reads faster.
    /// </summary>
    /// <param name="isKnown">By hash in hex.</param>
    public static IReadOnlyList<ChunkRange>? Of(IReadOnlyList<Chunk> chunks, Func<string, bool> isKnown)
    {
        var ranges = new List<ChunkRange>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var (bytes, total) = (0L, 0L);
        for (var i = 0; i < chunks.Count; i++)
        {
            total += chunks[i].Length;
            var hash = Convert.ToHexStringLower(chunks[i].Sha256);
            if (isKnown(hash) || !seen.Add(hash))
            {
                continue;
            }

            bytes += chunks[i].Length;
            if (ranges is [.., var last] && last.First + last.Count == i)
            {
                ranges[^1] = last with { Count = last.Count + 1 };
            }
            else
            {
                ranges.Add(new ChunkRange(i, 1));
            }
        }

        return bytes > total / 2 ? null : ranges;
    }
}
