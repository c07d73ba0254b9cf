using System.Net;
using System.Net.Http.Headers;
using System.Net.Mime;
using System.Text;
using System.Xml.Linq;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Client.Datasets;

/// <summary>The few calls of Blob storage that uploads need, by SAS URL. Every one may be repeated, and is, with jittered, capped back-off.</summary>
internal sealed class BlockClient(HttpClient http, int maxAttempts)
{
    private const double MaxDelayMilliseconds = 10_000;

    /// <summary>A request that gets no answer for so long is broken off and tried again.</summary>
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(100);

    /// <summary>Puts a whole small file.</summary>
    public async Task PutAsync(FileUpload upload, IUploadItem item, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(
            async token =>
            {
                var content = new StreamContent(await item.OpenAsync(token).ConfigureAwait(false));
                content.Headers.ContentLength = item.Size;
                var request = new HttpRequestMessage(HttpMethod.Put, upload.Url) { Content = content };
                foreach (var (name, value) in upload.Headers)
                {
                    request.Headers.TryAddWithoutValidation(name, value);
                }

                return request;
            },
            missingIsFine: false,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The blocks that are there.</summary>
    public async Task<BlockList> ListAsync(string url, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(
            _ => Task.FromResult(new HttpRequestMessage(HttpMethod.Get, $"{url}&comp=blocklist&blocklisttype=all")), missingIsFine: true, cancellationToken).ConfigureAwait(false);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            return BlockList.Empty;
        }

        await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        return BlockList.Parse(await XDocument.LoadAsync(body, LoadOptions.None, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Puts one block.</summary>
    public async Task PutBlockAsync(string url, string id, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(
            _ => Task.FromResult(new HttpRequestMessage(HttpMethod.Put, $"{url}&comp=block&blockid={Uri.EscapeDataString(id)}") { Content = new ReadOnlyMemoryContent(bytes) }),
            missingIsFine: false,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes the blob of blocks, in this order.</summary>
    public async Task CommitAsync(string url, IEnumerable<string> blocks, CancellationToken cancellationToken)
    {
        var list = new XElement("BlockList", blocks.Select(static id => new XElement("Latest", id)));
        var bytes = Encoding.UTF8.GetBytes($"<?xml version=\"1.0\" encoding=\"utf-8\"?>{list}");
        using var answer = await SendAsync(
            _ =>
            {
                var content = new ByteArrayContent(bytes);
                content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypeNames.Application.Xml);
                return Task.FromResult(new HttpRequestMessage(HttpMethod.Put, $"{url}&comp=blocklist") { Content = content });
            },
            missingIsFine: false,
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> SendAsync(
        Func<CancellationToken, Task<HttpRequestMessage>> make, bool missingIsFine, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(RequestLimit);
            try
            {
                using var request = await make(limit.Token).ConfigureAwait(false);
                var response = await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, limit.Token).ConfigureAwait(false);
                if (response.IsSuccessStatusCode || (missingIsFine && response.StatusCode == HttpStatusCode.NotFound))
                {
                    return response;
                }

                using (response)
                {
                    throw new StorageException(response.StatusCode, await response.Content.ReadAsStringAsync(limit.Token).ConfigureAwait(false));
                }
            }
            catch (Exception exception) when (attempt < maxAttempts && IsTransient(exception, cancellationToken))
            {
                var ceiling = Math.Min(MaxDelayMilliseconds, 200 * Math.Pow(2, attempt));
                await Task.Delay(TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2))), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsTransient(Exception exception, CancellationToken cancellationToken) => exception switch
    {
        StorageException storage => storage.Status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError,
        HttpRequestException or HttpIOException => true,
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        _ => false,
    };
}
