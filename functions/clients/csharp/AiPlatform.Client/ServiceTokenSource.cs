using AiPlatform.Contracts.Identity;

namespace AiPlatform.Client;

/// <summary>Logs a platform service in and keeps its token fresh.</summary>
/// <param name="http">A client whose base address is the API.</param>
/// <param name="client"><c>orchestrations</c> or <c>runner</c>.</param>
/// <param name="secret">The service's secret.</param>
/// <param name="time">The clock.</param>
public sealed class ServiceTokenSource(HttpClient http, string client, string secret, TimeProvider time) : ITokenSource, IDisposable
{
    private readonly AiPlatformClient _anonymous = new(http, new FixedTokenSource(null));
    private readonly SemaphoreSlim _gate = new(1, 1);
    private string? _token;
    private DateTimeOffset _refreshAt;

    /// <inheritdoc />
    public async ValueTask<string?> GetTokenAsync(string? rejected, CancellationToken cancellationToken)
    {
        if (IsUsable(rejected))
        {
            return _token;
        }

        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!IsUsable(rejected))
            {
                var answer = await _anonymous.GetServiceTokenAsync(new ServiceTokenRequest(client, secret), cancellationToken).ConfigureAwait(false);
                _token = answer.AccessToken;
                // A fifth of the life is left for slow calls and for clocks that differ.
                _refreshAt = time.GetUtcNow().AddSeconds(answer.ExpiresIn * 0.8);
            }

            return _token;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _gate.Dispose();

    private bool IsUsable(string? rejected) => _token is not null && _token != rejected && time.GetUtcNow() < _refreshAt;
}
