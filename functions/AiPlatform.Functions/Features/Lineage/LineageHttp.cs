using AiPlatform.Hosting;

namespace AiPlatform.Functions.Features.Lineage;

/// <summary>The client that receivers are called with: their URLs are given by users.</summary>
internal sealed class LineageHttp(GuardedHttp http) : IDisposable
{
    public HttpClient Client => http.Client;

    public void Dispose() => http.Dispose();
}
