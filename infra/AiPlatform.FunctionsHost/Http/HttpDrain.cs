using Microsoft.Extensions.Options;

namespace AiPlatform.FunctionsHost.Http;

/// <summary>How long requests may go on once the host stops: streams would otherwise keep it for ever.</summary>
internal sealed class HttpDrain : IDisposable
{
    private readonly CancellationTokenSource _expired = new();
    private readonly CancellationTokenRegistration _stopping;

    public HttpDrain(IHostApplicationLifetime lifetime, IOptions<FunctionsHostOptions> options)
        => _stopping = lifetime.ApplicationStopping.Register(() => _expired.CancelAfter(options.Value.DrainTimeout));

    /// <summary>Cancelled when a stopping host has waited long enough.</summary>
    public CancellationToken Expired => _expired.Token;

    /// <inheritdoc />
    public void Dispose()
    {
        _stopping.Dispose();
        _expired.Dispose();
    }
}
