using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Operations.Lineage;

/// <summary>The client that receivers are called with: their URLs are given by users.</summary>
internal sealed class LineageHttp(GuardedHttp http) : IDisposable
{
    public HttpClient Client => http.Client;

    /// <summary>Whether a URL may be kept as a receiver: deliveries to private networks would be refused.</summary>
    public Task<bool> MayCallAsync(Uri url, CancellationToken cancellationToken) => http.MayCallAsync(url, cancellationToken);

    public void Dispose() => http.Dispose();
}
