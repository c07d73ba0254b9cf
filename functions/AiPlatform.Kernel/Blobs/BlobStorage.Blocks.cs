using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Azure.Storage.Sas;

namespace AiPlatform.Kernel.Blobs;

/// <summary>What resumable uploads need: blobs that clients put together from blocks.</summary>
public sealed partial class BlobStorage
{
    /// <summary>A URL for <c>PUT</c> of a block blob, whole or in blocks, and for asking which blocks are there.</summary>
    public Task<string> BlockUploadUrlAsync(string container, string name, TimeSpan validFor, CancellationToken cancellationToken)
        => SasAsync(container, name, BlobSasPermissions.Create | BlobSasPermissions.Write | BlobSasPermissions.Read, validFor, cancellationToken);

    /// <summary>Deletes an upload, whether it was committed or not: blocks that wait for their list take space, too.</summary>
    public async Task DiscardAsync(string container, string name, CancellationToken cancellationToken)
    {
        // An empty list takes their place; then the blob can go.
        var blob = _service.GetBlobContainerClient(container).GetBlockBlobClient(name);
        await blob.CommitBlockListAsync([], cancellationToken: cancellationToken);
        await blob.DeleteIfExistsAsync(cancellationToken: cancellationToken);
    }

    /// <summary>Whether a URL leads to a blob or a container that belongs to the platform.</summary>
    public bool IsPlatformBlob(Uri uri)
    {
        var account = _service.Uri;
        var path = account.AbsolutePath.TrimEnd('/');
        return uri.Port == account.Port && string.Equals(uri.Host, account.Host, StringComparison.OrdinalIgnoreCase)
            && Containers.Any(container => $"{uri.AbsolutePath.TrimEnd('/')}/".StartsWith($"{path}/{container}/", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>A block blob and the blocks that it was committed from; null when there is none. A blob that was put whole has no blocks.</summary>
    public async Task<BlobBlocks?> FindBlocksAsync(string container, string name, CancellationToken cancellationToken)
    {
        try
        {
            var blob = _service.GetBlobContainerClient(container).GetBlockBlobClient(name);
            var properties = await blob.GetPropertiesAsync(cancellationToken: cancellationToken);
            if (properties.Value.BlobType != BlobType.Block)
            {
                return new BlobBlocks(properties.Value.ETag, properties.Value.ContentLength, []);
            }

            var list = await blob.GetBlockListAsync(BlockListTypes.Committed, cancellationToken: cancellationToken);
            return new BlobBlocks(
                properties.Value.ETag, properties.Value.ContentLength, [.. list.Value.CommittedBlocks.Select(block => new BlobBlock(block.Name, block.SizeLong))]);
        }
        catch (RequestFailedException exception) when (exception.Status == StatusCodes.Status404NotFound)
        {
            return null;
        }
    }

    /// <summary>Streams bytes of one version of a blob; null when it is gone or is not <paramref name="tag"/> any more.</summary>
    public async Task<Stream?> OpenRangeAsync(string container, string name, long offset, long length, Azure.ETag tag, CancellationToken cancellationToken)
    {
        try
        {
            var options = new BlobDownloadOptions { Conditions = new BlobRequestConditions { IfMatch = tag } };
            if (length > 0)
            {
                options.Range = new HttpRange(offset, length);
            }

            return (await Blob(container, name).DownloadStreamingAsync(options, cancellationToken)).Value.Content;
        }
        catch (RequestFailedException exception)
            when (exception.Status is StatusCodes.Status404NotFound or StatusCodes.Status412PreconditionFailed)
        {
            return null;
        }
    }
}

/// <summary>A block blob as it was committed.</summary>
/// <param name="Length">Bytes.</param>
public sealed record BlobBlocks(Azure.ETag Tag, long Length, IReadOnlyList<BlobBlock> Blocks);

/// <summary>One block.</summary>
/// <param name="Id">As its uploader named it.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct BlobBlock(string Id, long Length);
