using System.Buffers;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Client.Datasets;

/// <summary>Sends one file, or the chunks of it that are missing: small files in one request, others in blocks that are not there yet.</summary>
internal sealed class FileTransfer
{
    /// <summary>The longest block; a chunk that is longer is a block by itself.</summary>
    private const int MaxBlock = 8 << 20;

    private readonly IUploadItem _item;
    private readonly FileUpload _upload;
    private readonly List<Block> _blocks;

    public FileTransfer(IUploadItem item, DatasetFile file, FileUpload upload)
    {
        _item = item;
        _upload = upload;
        _blocks = file.Chunks is not null && ChunkList.TryParse(file.Chunks, out var chunks) ? Plan(chunks, upload.Missing ?? [new ChunkRange(0, chunks.Count)]) : [];
        Bytes = file.Chunks is null ? file.Size : _blocks.Sum(static block => (long)block.Length);
    }

    /// <summary>What there is to send, in bytes; what is there already included.</summary>
    public long Bytes { get; }

    /// <summary>Sends what is not there.</summary>
    /// <param name="slots">Limits the blocks in memory, of all files together.</param>
    /// <param name="count">Is told of bytes that are there.</param>
    public async Task RunAsync(BlockClient client, SemaphoreSlim slots, Action<long> count, CancellationToken cancellationToken)
    {
        if (_blocks.Count == 0)
        {
            await client.PutAsync(_upload, _item, cancellationToken).ConfigureAwait(false);
            count(Bytes);
            return;
        }

        var list = await client.ListAsync(_upload.Url, cancellationToken).ConfigureAwait(false);
        if (list.IsCommitted(_blocks.Select(static block => (block.Id, block.Length))))
        {
            count(Bytes);
            return;
        }

        await SendAsync(client, list, slots, count, cancellationToken).ConfigureAwait(false);
        await client.CommitAsync(_upload.Url, _blocks.Select(static block => block.Id), cancellationToken).ConfigureAwait(false);
    }

    private async Task SendAsync(BlockClient client, BlockList list, SemaphoreSlim slots, Action<long> count, CancellationToken cancellationToken)
    {
        await using var stream = await _item.OpenAsync(cancellationToken).ConfigureAwait(false);
        using var failure = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task>();
        var position = 0L;
        try
        {
            foreach (var block in _blocks)
            {
                if (list.Has(block.Id, block.Length))
                {
                    count(block.Length);
                    continue;
                }

                await slots.WaitAsync(failure.Token).ConfigureAwait(false);
                var buffer = ArrayPool<byte>.Shared.Rent(block.Length);
                var sending = false;
                try
                {
                    await SkipAsync(stream, position, block.Offset, buffer, failure.Token).ConfigureAwait(false);
                    await stream.ReadExactlyAsync(buffer.AsMemory(0, block.Length), failure.Token).ConfigureAwait(false);
                    position = block.Offset + block.Length;
                    running.Add(PutAsync(client, block, buffer, slots, count, failure));
                    sending = true;
                }
                finally
                {
                    if (!sending)
                    {
                        ArrayPool<byte>.Shared.Return(buffer);
                        slots.Release();
                    }
                }

                running.RemoveAll(static task => task.IsCompletedSuccessfully);
            }
        }
        catch (OperationCanceledException) when (failure.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // A block failed: waiting for all of them says why.
        }
        finally
        {
            await Task.WhenAll(running).ConfigureAwait(false);
        }
    }

    private async Task PutAsync(BlockClient client, Block block, byte[] buffer, SemaphoreSlim slots, Action<long> count, CancellationTokenSource failure)
    {
        try
        {
            await client.PutBlockAsync(_upload.Url, block.Id, buffer.AsMemory(0, block.Length), failure.Token).ConfigureAwait(false);
            count(block.Length);
        }
        catch
        {
            await failure.CancelAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            slots.Release();
        }
    }

    private static async Task SkipAsync(Stream stream, long position, long target, byte[] buffer, CancellationToken cancellationToken)
    {
        if (stream.CanSeek)
        {
            stream.Seek(target, SeekOrigin.Begin);
            return;
        }

        while (position < target)
        {
            var count = (int)Math.Min(buffer.Length, target - position);
            await stream.ReadExactlyAsync(buffer.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            position += count;
        }
    }

    private static List<Block> Plan(IReadOnlyList<Chunk> chunks, IReadOnlyList<ChunkRange> missing)
    {
        var offsets = new long[chunks.Count + 1];
        for (var i = 0; i < chunks.Count; i++)
        {
            offsets[i + 1] = offsets[i] + chunks[i].Length;
        }

        var blocks = new List<Block>();
        foreach (var range in missing)
        {
            var first = range.First;
            for (var i = first; i < range.First + range.Count; i++)
            {
                if (i + 1 == range.First + range.Count || offsets[i + 2] - offsets[first] > MaxBlock)
                {
                    blocks.Add(new Block(new ChunkRange(first, i + 1 - first).ToBlockId(), offsets[first], (int)(offsets[i + 1] - offsets[first])));
                    first = i + 1;
                }
            }
        }

        return blocks;
    }

    private readonly record struct Block(string Id, long Offset, int Length);
}
