using System.Text;
using Azure;
using Azure.Identity;
using Azure.Storage.Blobs;

namespace AiPlatform.TaskHub.Payloads;

/// <summary>
/// Large payloads as blobs. A blob is written before the row that names it and never changed; <see cref="PayloadSweep"/> removes those
/// that no row names any more. <c>ConnectionStrings:Blob</c> is an account connection string, or the account's URL, which is then used
/// with the process's identity; without it all payloads stay in PostgreSQL.
/// </summary>
internal sealed class PayloadStore
{
    private readonly BlobContainerClient? _container;
    private volatile bool _isCreated;

    public PayloadStore(IConfiguration configuration, Microsoft.Extensions.Options.IOptions<TaskHubOptions> options)
    {
        if (configuration.GetConnectionString("Blob") is not { Length: > 0 } connection)
        {
            return;
        }

        // The oldest version that has what we use, so that emulators and sovereign clouds know it.
        var client = new BlobClientOptions(BlobClientOptions.ServiceVersion.V2024_11_04)
        {
            Retry = { MaxRetries = 3, Delay = TimeSpan.FromMilliseconds(200), MaxDelay = TimeSpan.FromSeconds(2), NetworkTimeout = TimeSpan.FromSeconds(30) },
        };
        var service = Uri.TryCreate(connection, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http"
            ? new BlobServiceClient(uri, new DefaultAzureCredential(), client)
            : new BlobServiceClient(connection, client);
        _container = service.GetBlobContainerClient(options.Value.PayloadContainer);
    }

    /// <summary>Whether there is a place for large payloads.</summary>
    public bool IsEnabled => _container is not null;

    private BlobContainerClient Container => _container ?? throw new PayloadStoreException("The task hub has payloads in Blob storage, but ConnectionStrings:Blob is not configured.");

    /// <summary>Stores a payload.</summary>
    /// <param name="partition">The partition that it is stored for.</param>
    /// <param name="payload">The payload.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PayloadStoreException">The storage is not reachable.</exception>
    public async Task<PayloadToken> WriteAsync(int partition, string payload, CancellationToken cancellationToken)
    {
        var bytes = Encoding.UTF8.GetBytes(payload);
        var token = new PayloadToken(PayloadToken.NewBlob(partition), bytes.LongLength);
        try
        {
            if (!_isCreated)
            {
                await Container.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
                _isCreated = true;
            }

            await Container.GetBlobClient(token.Blob).UploadAsync(new BinaryData(bytes), overwrite: true, cancellationToken);
        }
        catch (Exception exception) when (IsStorage(exception, cancellationToken))
        {
            throw new PayloadStoreException("The storage of large payloads is not reachable.", exception);
        }

        Metrics.PayloadsStored.Inc();
        Metrics.PayloadBytes.Inc(token.Length);
        return token;
    }

    /// <summary>Reads a payload.</summary>
    /// <exception cref="PayloadStoreException">The storage is not reachable, or the payload is not there.</exception>
    public async Task<string> ReadAsync(PayloadToken token, CancellationToken cancellationToken)
    {
        try
        {
            return (await Container.GetBlobClient(token.Blob).DownloadContentAsync(cancellationToken)).Value.Content.ToString();
        }
        catch (Exception exception) when (IsStorage(exception, cancellationToken))
        {
            throw new PayloadStoreException($"The payload '{token.Blob}' could not be read.", exception);
        }
    }

    /// <summary>A page of a partition's blobs that were written before a time.</summary>
    public async IAsyncEnumerable<string[]> OlderThanAsync(int partition, DateTimeOffset time, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!await Container.ExistsAsync(cancellationToken))
        {
            yield break;
        }

        await foreach (var page in Container.GetBlobsAsync(new() { Prefix = PayloadToken.Folder(partition) }, cancellationToken).AsPages(pageSizeHint: 500).WithCancellation(cancellationToken))
        {
            var names = page.Values.Where(blob => blob.Properties.LastModified < time).Select(blob => blob.Name).ToArray();
            if (names.Length > 0)
            {
                yield return names;
            }
        }
    }

    /// <summary>Removes a blob; one that is not there is as good.</summary>
    public Task DeleteAsync(string blob, CancellationToken cancellationToken) => Container.GetBlobClient(blob).DeleteIfExistsAsync(cancellationToken: cancellationToken);

    private static bool IsStorage(Exception exception, CancellationToken cancellationToken)
        => exception is RequestFailedException or AggregateException or IOException or AuthenticationFailedException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested);
}

/// <summary>Large payloads can be neither stored nor read at the moment; the call may be repeated.</summary>
internal sealed class PayloadStoreException(string message, Exception? inner = null) : Exception(message, inner);
