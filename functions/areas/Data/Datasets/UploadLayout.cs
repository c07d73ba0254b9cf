using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Blobs;

namespace AiPlatform.Data.Datasets;

/// <summary>Which chunks of a file lie where in an upload, as the ids of its blocks say.</summary>
internal sealed class UploadLayout
{
    private readonly Dictionary<int, long> _offsets = [];
    private readonly List<int> _order = [];

    private UploadLayout()
    {
    }

    /// <summary>The indexes of the chunks, in the order of the upload.</summary>
    public IReadOnlyList<int> Order => _order;

    /// <summary>Reads the layout; null when the blocks are not named by chunks, or are not as long as their chunks.</summary>
    public static UploadLayout? Read(IReadOnlyList<BlobBlock> blocks, IReadOnlyList<Chunk> chunks)
    {
        var layout = new UploadLayout();
        var offset = 0L;
        foreach (var block in blocks)
        {
            if (ChunkRange.FromBlockId(block.Id) is not { } range || range.First > chunks.Count - range.Count)
            {
                return null;
            }

            var start = offset;
            for (var i = range.First; i < range.First + range.Count; i++)
            {
                layout._offsets.TryAdd(i, offset);
                layout._order.Add(i);
                offset += chunks[i].Length;
            }

            if (offset - start != block.Length)
            {
                return null;
            }
        }

        return blocks.Count == 0 ? null : layout;
    }

    /// <summary>Whether the upload is the whole file as it is.</summary>
    public bool IsWhole(int chunks) => _order.Count == chunks && _order.Select((chunk, position) => chunk == position).All(same => same);

    /// <summary>Where a chunk begins in the upload; null when the upload does not have it.</summary>
    public long? OffsetOf(int chunk) => _offsets.TryGetValue(chunk, out var offset) ? offset : null;
}
