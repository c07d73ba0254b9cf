using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Report;

/// <summary>The HTTP connections of the runner: one pool for the API, one for blobs.</summary>
internal sealed class RunnerHttp : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ApiTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan TransferTimeout = TimeSpan.FromHours(2);

    public RunnerHttp(IOptions<RunnerOptions> options)
    {
        var address = new Uri(options.Value.ApiUrl.TrimEnd('/') + "/");
        Api = new HttpClient(Handler()) { BaseAddress = address, Timeout = ApiTimeout };
        Blob = new HttpClient(Handler()) { BaseAddress = address, Timeout = TransferTimeout };
    }

    /// <summary>For short calls.</summary>
    public HttpClient Api { get; }

    /// <summary>For large bodies.</summary>
    public HttpClient Blob { get; }

    /// <inheritdoc />
    public void Dispose()
    {
        Api.Dispose();
        Blob.Dispose();
    }

    // Pooled connections are renewed, so that a name that moves to another address is followed.
    private static SocketsHttpHandler Handler() => new() { ConnectTimeout = ConnectTimeout, PooledConnectionLifetime = TimeSpan.FromMinutes(2) };
}
