using AiPlatform.Contracts.Identity;

namespace AiPlatform.Client;

/// <summary>Logs a person in and keeps the token fresh with the rotating refresh token.</summary>
/// <param name="http">A client whose base address is the API.</param>
/// <param name="userName">The account.</param>
/// <param name="password">Its password.</param>
/// <param name="time">The clock.</param>
public sealed class LoginTokenSource(HttpClient http, string userName, string password, TimeProvider time) : ITokenSource, IDisposable
{
    private readonly AiPlatformClient _anonymous = new(http, new FixedTokenSource(null));
    private readonly SemaphoreSlim _gate = new(1, 1);
    private TokenResponse? _tokens;
    private DateTimeOffset _refreshAt;

    /// <inheritdoc />
    public async ValueTask<string?> GetTokenAsync(string? rejected, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_tokens is null || _tokens.AccessToken == rejected || time.GetUtcNow() >= _refreshAt)
            {
                _tokens = await RenewAsync(cancellationToken).ConfigureAwait(false);
                _refreshAt = time.GetUtcNow().AddSeconds(_tokens.ExpiresIn * 0.8);
            }

            return _tokens.AccessToken;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc />
    public void Dispose() => _gate.Dispose();

    private async Task<TokenResponse> RenewAsync(CancellationToken cancellationToken)
    {
        if (_tokens?.RefreshToken is { } refreshToken)
        {
            try
            {
                return await _anonymous.RefreshAsync(new RefreshRequest(refreshToken), cancellationToken).ConfigureAwait(false);
            }
            catch (ApiException exception) when (!exception.IsTransient)
            {
                // The login has ended or expired on the server: log in anew.
                _tokens = null;
            }
        }

        return await _anonymous.LoginAsync(new LoginRequest(userName, password), cancellationToken).ConfigureAwait(false);
    }
}
