using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Data.Datasets;

/// <summary>Puts a file together from chunks of its upload and chunks that the project has.</summary>
internal static class ContentAssembly
{
    /// <summary>The parts in order, neighbours joined; null when a chunk is nowhere.</summary>
    /// <param name="layout">Of the upload; null when there is none.</param>
    /// <param name="packSha256">The hash of the upload.</param>
    /// <param name="upload">The upload's blob.</param>
    /// <param name="known">Chunks that the project has, by hash in hex.</param>
    public static IReadOnlyList<(NewPart Part, ContentPart Bytes)>? Parts(
        string projectId, IReadOnlyList<Chunk> chunks, UploadLayout? layout, byte[]? packSha256, string upload, IReadOnlyDictionary<string, KnownChunk> known)
    {
        var uploaded = (layout?.Order ?? []).DistinctBy(index => Convert.ToHexStringLower(chunks[index].Sha256), StringComparer.Ordinal)
            .ToDictionary(index => Convert.ToHexStringLower(chunks[index].Sha256), index => layout!.OffsetOf(index)!.Value, StringComparer.Ordinal);
        var parts = new List<(NewPart Part, ContentPart Bytes)>();
        foreach (var chunk in chunks)
        {
            var hash = Convert.ToHexStringLower(chunk.Sha256);
            if (uploaded.TryGetValue(hash, out var offset))
            {
                Add(parts, packSha256!, upload, offset, chunk.Length);
            }
            else if (known.TryGetValue(hash, out var there) && there.Length == chunk.Length)
            {
                var blob = there.Blob ?? ContentAddress.Before(projectId, Convert.ToHexStringLower(there.ContentSha256));
                Add(parts, there.ContentSha256, blob, there.ContentOffset, chunk.Length);
            }
            else
            {
                return null;
            }
        }

        return parts;
    }

    private static void Add(List<(NewPart Part, ContentPart Bytes)> parts, byte[] content, string blob, long offset, int length)
    {
        if (parts is [.., var last] && last.Bytes.Blob == blob && last.Bytes.Offset + last.Bytes.Length == offset)
        {
            var joined = last.Bytes.Length + length;
            parts[^1] = (last.Part with { Length = joined }, last.Bytes with { Length = joined });
        }
        else
        {
            parts.Add((new NewPart(content, offset, length), new ContentPart(blob, offset, length)));
        }
    }
}
