using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Client.Datasets;

/// <summary>
/// Lays bytes of unknown hash down in a block blob, block after block, and goes on after an interruption where the storage says that
/// it ended. One writer at a time.
/// </summary>
/// <param name="storage">For SAS URLs.</param>
/// <param name="url">A SAS URL of a block blob that may be written and read.</param>
/// <param name="maxAttempts">How often one block is tried in all.</param>
public sealed class BlobStaging(HttpClient storage, string url, int maxAttempts = 8)
{
    /// <summary>Bytes of every block but the last.</summary>
    public const int BlockBytes = 8 << 20;

    private const int MaxBlocks = 50_000;

    private readonly BlockClient _client = new(storage, maxAttempts);
    private int _blocks;

    /// <summary>The most bytes that a blob can have.</summary>
    public static long MaxBytes => (long)MaxBlocks * BlockBytes;

    /// <summary>How many bytes lie there in whole blocks from the beginning on: where to go on.</summary>
    public async Task<long> ResumeAsync(CancellationToken cancellationToken)
    {
        var list = await _client.ListAsync(url, cancellationToken).ConfigureAwait(false);
        _blocks = 0;
        while (list.Has(Id(_blocks), BlockBytes))
        {
            _blocks++;
        }

        return (long)_blocks * BlockBytes;
    }

    /// <summary>Begins anew: what is there is written over.</summary>
    public void Restart() => _blocks = 0;

    /// <summary>Appends a block: <see cref="BlockBytes"/>, fewer only for the last one.</summary>
    public async Task AppendAsync(ReadOnlyMemory<byte> block, CancellationToken cancellationToken)
    {
        await _client.PutBlockAsync(url, Id(_blocks), block, cancellationToken).ConfigureAwait(false);
        _blocks++;
    }

    /// <summary>Makes the blob of what was appended.</summary>
    public Task CompleteAsync(CancellationToken cancellationToken) => _client.CommitAsync(url, Enumerable.Range(0, _blocks).Select(Id), cancellationToken);

    private static string Id(int block) => new ChunkRange(block, 1).ToBlockId();
}
