using AiPlatform.DataFiles.Sources;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets.Preview;

/// <summary>The verified content of a file, read by ranges, whether it is one blob or put together from parts of several.</summary>
internal sealed class ContentSource(BlobStorage storage, StoredContent content, string identity) : IByteSource
{
    /// <inheritdoc />
    public long Length => content.Size;

    /// <inheritdoc />
    public string Identity => identity;

    /// <inheritdoc />
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var (wanted, done, begin) = ((int)Math.Clamp(Length - offset, 0, buffer.Length), 0, 0L);
        foreach (var part in content.Parts)
        {
            var at = offset + done - begin;
            if (done < wanted && at < part.Length)
            {
                var count = (int)Math.Min(wanted - done, part.Length - at);
                await ReadAsync(part, at, buffer.Slice(done, count), cancellationToken);
                done += count;
            }

            begin += part.Length;
        }

        return done;
    }

    private async Task ReadAsync(ContentPart part, long at, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await using var stream = await storage.OpenReadAsync(BlobStorage.Datasets, part.Blob, part.Offset + at, buffer.Length, cancellationToken)
            ?? throw new IOException("The content of a dataset file is gone.");
        await stream.ReadExactlyAsync(buffer, cancellationToken);
    }
}
