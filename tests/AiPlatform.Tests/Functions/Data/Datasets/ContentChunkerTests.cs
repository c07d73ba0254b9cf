using System.Security.Cryptography;
using AiPlatform.Contracts.Datasets;
using CsCheck;

namespace AiPlatform.Tests.Functions.Data.Datasets;

public sealed class ContentChunkerTests
{
    private const int Size = 12 << 20;

    [Fact]
    public void Chunks_make_up_the_content_and_do_not_depend_on_how_it_arrives()
    {
        var content = RandomBytes(Size, 1);
        var whole = Cut(content, Size);
        Gen.Int[1, 3_000_000].Sample(
            piece =>
            {
                var chunks = Cut(content, piece);
                Assert.Equal(Text(whole), Text(chunks));
            },
            iter: 10);
        var offset = 0;
        foreach (var chunk in whole)
        {
            Assert.Equal(SHA256.HashData(content.AsSpan(offset, chunk.Length)), chunk.Sha256);
            offset += chunk.Length;
        }

        Assert.Equal(Size, offset);
        Assert.InRange(whole.Count, Size / (1 << 20), Size / (128 << 10));
        Assert.All(whole.SkipLast(1), chunk => Assert.InRange(chunk.Length, 64 << 10, 1 << 20));
    }

    [Fact]
    public void Random_edits_change_only_the_chunks_around_them()
    {
        var content = RandomBytes(Size, 2);
        var before = Cut(content, Size).Select(chunk => Convert.ToHexString(chunk.Sha256)).ToHashSet(StringComparer.Ordinal);
        Gen.Select(Gen.Int[0, Size - 1], Gen.Int[-20_000, 20_000]).Array[1, 3].Sample(
            edits =>
            {
                var edited = content.ToList();
                foreach (var (at, length) in edits)
                {
                    var start = Math.Min(at, edited.Count);
                    if (length < 0)
                    {
                        edited.RemoveRange(start, Math.Min(-length, edited.Count - start));
                    }
                    else
                    {
                        edited.InsertRange(start, RandomBytes(length, at));
                    }
                }

                var added = Cut([.. edited], Size).Where(chunk => !before.Contains(Convert.ToHexString(chunk.Sha256))).Sum(chunk => (long)chunk.Length);
                var changed = edits.Sum(edit => Math.Abs(edit.Item2));

                // One edit touches its own chunk and, until the cuts meet again, rarely more than the next two.
                Assert.True(added <= changed + (edits.Length * 4L << 20), $"{edits.Length} edits of {changed} bytes made {added} bytes new");
            },
            iter: 12);
    }

    [Fact]
    public void Content_without_any_cut_is_cut_at_the_maximum_and_an_empty_one_has_no_chunk()
    {
        var chunks = Cut(new byte[(5 << 20) + 7], 1 << 20);
        Assert.Equal([1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 7], chunks.Select(chunk => chunk.Length));
        Assert.Empty(Cut([], 1));
    }

    [Fact]
    public void Chunk_lists_and_block_ids_travel_unchanged_and_broken_ones_are_refused()
    {
        var chunks = Cut(RandomBytes(3 << 20, 3), 1 << 20);
        Assert.True(ChunkList.TryParse(ChunkList.ToText(chunks), out var read));
        Assert.Equal(Text(chunks), Text(read));
        Assert.False(ChunkList.TryParse("no base64!", out _));
        Assert.False(ChunkList.TryParse(Convert.ToBase64String(new byte[35]), out _));
        Assert.False(ChunkList.TryParse(Convert.ToBase64String(new byte[36]), out _));
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 1_000_000]).Sample(
            (first, count) => Assert.Equal(new ChunkRange(first, count), ChunkRange.FromBlockId(new ChunkRange(first, count).ToBlockId())));
        Assert.Null(ChunkRange.FromBlockId("AAAA"));
        Assert.Null(ChunkRange.FromBlockId("not base64"));
        Assert.Null(ChunkRange.FromBlockId(Convert.ToBase64String(new byte[8])));
    }

    private static IReadOnlyList<Chunk> Cut(byte[] content, int piece)
    {
        using var chunker = new ContentChunker(content.Length);
        for (var at = 0; at < content.Length; at += piece)
        {
            chunker.Append(content.AsSpan(at, Math.Min(piece, content.Length - at)));
        }

        return chunker.Finish();
    }

    private static List<string> Text(IReadOnlyList<Chunk> chunks) => [.. chunks.Select(chunk => $"{chunk.Length} {Convert.ToHexString(chunk.Sha256)}")];

    private static byte[] RandomBytes(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
