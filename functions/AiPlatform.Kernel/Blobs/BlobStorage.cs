using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Azure;
using Azure.Identity;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Azure.Storage.Sas;

namespace AiPlatform.Kernel.Blobs;

/// <summary>
/// Blob storage. Large bytes go straight between client and storage by short-lived SAS URLs; what is streamed through
/// this process is never held whole in memory. <c>ConnectionStrings:Blob</c> is an account connection string, or the
/// account's URL, which is then used with the process's identity and user-delegation SAS.
/// </summary>
public sealed partial class BlobStorage : IDisposable
{
    /// <summary>Files of dataset versions, by content: <c>sha256/ab/abcdef…</c>.</summary>
    public const string Datasets = "datasets";

    /// <summary>Artifacts of runs: <c>{run}/artifacts/{path}</c>.</summary>
    public const string Runs = "runs";

    /// <summary>Logs of jobs: <c>{job}/{attempt}/rank-{r}.log</c>; of tasks: <c>tasks/{task}/{attempt}.log</c>.</summary>
    public const string Jobs = "jobs";

    /// <summary>All containers; created at start.</summary>
    public static readonly IReadOnlyList<string> Containers = [Datasets, Runs, Jobs];

    private static readonly TimeSpan DelegationKeyLife = TimeSpan.FromHours(4);

    private static readonly TimeSpan CopyPoll = TimeSpan.FromMilliseconds(100);

    private readonly BlobServiceClient _service;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _keyLock = new(1, 1);
    private UserDelegationKey? _key;

    /// <param name="connectionString">An account connection string or the account's URL.</param>
    public BlobStorage(string connectionString, TimeProvider time)
    {
        _time = time;

        // The oldest version that has what we use, so that emulators and sovereign clouds know it.
        var options = new BlobClientOptions(BlobClientOptions.ServiceVersion.V2024_11_04)
        {
            Retry = { MaxRetries = 3, Delay = TimeSpan.FromMilliseconds(200), MaxDelay = TimeSpan.FromSeconds(2), NetworkTimeout = TimeSpan.FromSeconds(30) },
        };
        _service = Uri.TryCreate(connectionString, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http"
            ? new BlobServiceClient(uri, new DefaultAzureCredential(), options)
            : new BlobServiceClient(connectionString, options);
    }

    /// <summary>Creates the containers that are missing.</summary>
    public async Task EnsureContainersAsync(CancellationToken cancellationToken)
    {
        foreach (var container in Containers)
        {
            await _service.GetBlobContainerClient(container).CreateIfNotExistsAsync(cancellationToken: cancellationToken);
        }
    }

    /// <summary>A URL for one <c>PUT</c> of a block blob; send header <c>x-ms-blob-type: BlockBlob</c>.</summary>
    public Task<string> UploadUrlAsync(string container, string name, TimeSpan validFor, CancellationToken cancellationToken)
        => SasAsync(container, name, BlobSasPermissions.Create | BlobSasPermissions.Write, validFor, cancellationToken);

    /// <summary>A URL for <c>GET</c> and <c>HEAD</c>.</summary>
    /// <param name="path">What the download is called by: the storage answers with the path's last part as name.</param>
    public Task<string> DownloadUrlAsync(string container, string name, string path, TimeSpan validFor, CancellationToken cancellationToken)
        => SasAsync(container, name, BlobSasPermissions.Read, validFor, cancellationToken, FileNameHeader.Attachment(path));

    /// <summary>The blob's length in bytes; null when there is none.</summary>
    public async Task<long?> LengthAsync(string container, string name, CancellationToken cancellationToken)
    {
        try
        {
            var properties = await Blob(container, name).GetPropertiesAsync(cancellationToken: cancellationToken);
            return properties.Value.ContentLength;
        }
        catch (RequestFailedException exception) when (exception.Status == StatusCodes.Status404NotFound)
        {
            return null;
        }
    }

    /// <summary>Streams bytes of a blob; null when there is none, or when it ends before <paramref name="offset"/>.</summary>
    /// <param name="length">At most so many bytes; null for all.</param>
    public async Task<Stream?> OpenReadAsync(string container, string name, long offset, long? length, CancellationToken cancellationToken)
    {
        try
        {
            var options = new BlobDownloadOptions { Range = new HttpRange(offset, length) };
            var download = await Blob(container, name).DownloadStreamingAsync(offset == 0 && length is null ? new BlobDownloadOptions() : options, cancellationToken);
            return download.Value.Content;
        }
        catch (RequestFailedException exception)
            when (exception.Status is StatusCodes.Status404NotFound or StatusCodes.Status416RangeNotSatisfiable)
        {
            return null;
        }
    }

    /// <summary>Streams a whole blob together with the tag of the version that is streamed; null when there is none.</summary>
    public async Task<BlobVersion?> OpenVersionAsync(string container, string name, CancellationToken cancellationToken)
    {
        try
        {
            var download = await Blob(container, name).DownloadStreamingAsync(new BlobDownloadOptions(), cancellationToken);
            return new BlobVersion(download.Value.Content, download.Value.Details.ContentLength, download.Value.Details.ETag);
        }
        catch (RequestFailedException exception) when (exception.Status == StatusCodes.Status404NotFound)
        {
            return null;
        }
    }

    /// <summary>
    /// Copies a blob within its container inside the storage; false when the source is gone or is not <paramref name="tag"/>
    /// any more. Several callers may copy the same content to one target at the same time.
    /// </summary>
    public async Task<bool> CopyAsync(string container, string source, string target, Azure.ETag tag, CancellationToken cancellationToken)
    {
        var copy = Blob(container, target);
        try
        {
            await copy.StartCopyFromUriAsync(
                Blob(container, source).Uri,
                new BlobCopyFromUriOptions { SourceConditions = new BlobRequestConditions { IfMatch = tag } },
                cancellationToken);
        }
        catch (RequestFailedException exception) when (exception.ErrorCode == BlobErrorCode.PendingCopyOperation)
        {
            // Another caller copies the same content; its copy is as good.
        }
        catch (RequestFailedException exception)
            when (exception.Status is StatusCodes.Status404NotFound or StatusCodes.Status409Conflict or StatusCodes.Status412PreconditionFailed)
        {
            return false;
        }

        // The target is asked, not the operation: that one fails when another caller's copy came after it.
        while (true)
        {
            var properties = await copy.GetPropertiesAsync(cancellationToken: cancellationToken);
            if (properties.Value.CopyStatus != CopyStatus.Pending)
            {
                return properties.Value.CopyStatus == CopyStatus.Success;
            }

            await Task.Delay(CopyPoll, _time, cancellationToken);
        }
    }

    /// <summary>Writes a small block blob, replacing what was there.</summary>
    public Task WriteAsync(string container, string name, BinaryData content, CancellationToken cancellationToken)
        => Blob(container, name).UploadAsync(content, overwrite: true, cancellationToken);

    /// <summary>Writes a block blob from a stream, block by block, replacing what was there.</summary>
    public Task WriteAsync(string container, string name, Stream content, CancellationToken cancellationToken)
        => Blob(container, name).UploadAsync(content, new BlobUploadOptions { TransferOptions = new StorageTransferOptions { MaximumConcurrency = 2, InitialTransferSize = 4 << 20, MaximumTransferSize = 4 << 20 } }, cancellationToken);

    /// <summary>Makes a block blob of blocks that clients put by <see cref="UploadUrlAsync"/>; false when one of them is missing.</summary>
    public async Task<bool> CommitBlocksAsync(string container, string name, IReadOnlyList<string> blocks, CancellationToken cancellationToken)
    {
        try
        {
            await _service.GetBlobContainerClient(container).GetBlockBlobClient(name).CommitBlockListAsync(blocks, cancellationToken: cancellationToken);
            return true;
        }
        catch (RequestFailedException exception) when (exception.Status is StatusCodes.Status400BadRequest or StatusCodes.Status404NotFound)
        {
            return false;
        }
    }

    /// <summary>
    /// Appends <paramref name="content"/> (at most 4 MiB) to an append blob at exactly <paramref name="offset"/>, creating it
    /// at offset 0. A repeat of bytes that are stored already changes nothing.
    /// </summary>
    /// <returns>The blob's length afterwards. When it is less than offset + content length, nothing was appended: the bytes do not continue where the blob ends.</returns>
    public async Task<long> AppendAsync(string container, string name, long offset, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var blob = _service.GetBlobContainerClient(container).GetAppendBlobClient(name);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var stream = new MemoryStream(content.ToArray(), writable: false);
                await blob.AppendBlockAsync(
                    stream,
                    new AppendBlobAppendBlockOptions { Conditions = new AppendBlobRequestConditions { IfAppendPositionEqual = offset } },
                    cancellationToken);
                return offset + content.Length;
            }
            catch (RequestFailedException exception) when (exception.Status == StatusCodes.Status404NotFound && attempt == 1)
            {
                if (offset != 0)
                {
                    return 0;
                }

                await CreateAppendBlobAsync(blob, cancellationToken);
            }
            catch (RequestFailedException exception)
                when (exception.Status is StatusCodes.Status412PreconditionFailed or StatusCodes.Status416RangeNotSatisfiable)
            {
                return await LengthAsync(container, name, cancellationToken) ?? 0;
            }
        }
    }

    /// <summary>Blobs and folders directly below a prefix that ends with a slash, by name; none when there is no such container.</summary>
    /// <param name="recursive">All blobs below the prefix, and no folders.</param>
    public async Task<IReadOnlyList<(string Name, bool IsFolder, long Length)>> ListFolderAsync(string container, string prefix, int limit, bool recursive, CancellationToken cancellationToken)
    {
        var entries = new List<(string, bool, long)>();
        try
        {
            await foreach (var item in _service.GetBlobContainerClient(container).GetBlobsByHierarchyAsync(BlobTraits.None, BlobStates.None, recursive ? null : "/", prefix, cancellationToken))
            {
                entries.Add(item.IsPrefix ? (item.Prefix[prefix.Length..^1], true, 0) : (item.Blob.Name[prefix.Length..], false, item.Blob.Properties.ContentLength ?? 0));
                if (entries.Count == limit)
                {
                    break;
                }
            }
        }
        catch (RequestFailedException exception) when (exception.Status == StatusCodes.Status404NotFound)
        {
            return [];
        }

        return entries;
    }

    /// <summary>Deletes a blob; false when there was none.</summary>
    public async Task<bool> DeleteAsync(string container, string name, CancellationToken cancellationToken)
        => await Blob(container, name).DeleteIfExistsAsync(cancellationToken: cancellationToken);

    /// <inheritdoc />
    public void Dispose() => _keyLock.Dispose();

    private static async Task CreateAppendBlobAsync(AppendBlobClient blob, CancellationToken cancellationToken)
    {
        try
        {
            await blob.CreateAsync(
                new AppendBlobCreateOptions
                {
                    HttpHeaders = new BlobHttpHeaders { ContentType = "text/plain; charset=utf-8" },
                    Conditions = new AppendBlobRequestConditions { IfNoneMatch = Azure.ETag.All },
                },
                cancellationToken);
        }
        catch (RequestFailedException exception) when (exception.Status is StatusCodes.Status409Conflict or StatusCodes.Status412PreconditionFailed)
        {
            // Another request created it: the append decides by its position.
        }
    }

    private BlobClient Blob(string container, string name) => _service.GetBlobContainerClient(container).GetBlobClient(name);

    private async Task<string> SasAsync(
        string container, string name, BlobSasPermissions permissions, TimeSpan validFor, CancellationToken cancellationToken, string? disposition = null)
    {
        var blob = Blob(container, name);
        var now = _time.GetUtcNow();
        var builder = new BlobSasBuilder(permissions, now + validFor)
        {
            BlobContainerName = container,
            BlobName = name,
            Resource = "b",

            // Clocks of client and storage may differ a little.
            StartsOn = now.AddMinutes(-5),
            ContentDisposition = disposition,
        };
        if (blob.CanGenerateSasUri)
        {
            // Not ToString, which takes escapes away: clients send what they are given.
            return blob.GenerateSasUri(builder).AbsoluteUri;
        }

        var parameters = builder.ToSasQueryParameters(await DelegationKeyAsync(now + validFor, cancellationToken), _service.AccountName);
        return new BlobUriBuilder(blob.Uri) { Sas = parameters }.ToUri().AbsoluteUri;
    }

    private async Task<UserDelegationKey> DelegationKeyAsync(DateTimeOffset neededUntil, CancellationToken cancellationToken)
    {
        await _keyLock.WaitAsync(cancellationToken);
        try
        {
            if (_key is null || _key.SignedExpiresOn < neededUntil)
            {
                var now = _time.GetUtcNow();
                var until = neededUntil > now + DelegationKeyLife ? neededUntil : now + DelegationKeyLife;
                _key = (await _service.GetUserDelegationKeyAsync(now.AddMinutes(-5), until, cancellationToken)).Value;
            }

            return _key;
        }
        finally
        {
            _keyLock.Release();
        }
    }
}

/// <summary>The bytes of one version of a blob.</summary>
/// <param name="Content">The caller disposes it.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Tag">Names this version.</param>
public sealed record BlobVersion(Stream Content, long Length, Azure.ETag Tag);
