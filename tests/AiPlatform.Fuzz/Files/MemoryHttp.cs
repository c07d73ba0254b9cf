using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Xml.Linq;

namespace AiPlatform.Fuzz.Files;

/// <summary>Storage in memory, as far as importers use it: ranges of blobs, and block blobs that are written.</summary>
internal sealed class MemoryHttp : HttpMessageHandler
{
    private readonly ConcurrentDictionary<string, byte[]> _blobs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, byte[]> _blocks = new(StringComparer.Ordinal);

    /// <summary>Lays a blob down.</summary>
    public void Put(string path, byte[] content) => _blobs[path] = content;

    /// <inheritdoc />
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        => SendAsync(request, cancellationToken).GetAwaiter().GetResult();

    /// <inheritdoc />
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var (path, query) = (request.RequestUri!.AbsolutePath, request.RequestUri.Query);
        if (request.Method == HttpMethod.Put)
        {
            var body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            if (query.Contains("comp=blocklist", StringComparison.Ordinal))
            {
                _blobs[path] = [.. XDocument.Parse(Encoding.UTF8.GetString(body)).Root!.Elements().SelectMany(block => _blocks[block.Value])];
            }
            else
            {
                _blocks[Uri.UnescapeDataString(query.Split("blockid=")[1].Split('&')[0])] = body;
            }

            return new HttpResponseMessage(HttpStatusCode.Created) { RequestMessage = request };
        }

        if (!_blobs.TryGetValue(path, out var content))
        {
            return new HttpResponseMessage(HttpStatusCode.NotFound) { RequestMessage = request };
        }

        if (request.Headers.Range?.Ranges.First() is not { From: { } from } range)
        {
            return new HttpResponseMessage(HttpStatusCode.OK) { RequestMessage = request, Content = new ByteArrayContent(content) };
        }

        var end = Math.Min(content.Length, (range.To ?? long.MaxValue - 1) + 1);
        return from >= content.Length
            ? new HttpResponseMessage(HttpStatusCode.RequestedRangeNotSatisfiable) { RequestMessage = request }
            : new HttpResponseMessage(HttpStatusCode.PartialContent) { RequestMessage = request, Content = new ByteArrayContent(content, (int)from, (int)(end - from)) };
    }
}
