namespace AiPlatform.Functions.Infrastructure;

/// <summary>Knows what callers may prove themselves with.</summary>
internal interface ICredentials
{
    /// <summary>The caller of an access token and when it expires; null when it is not good.</summary>
    Task<(Caller Caller, DateTimeOffset Expires)?> AccessTokenAsync(string token);

    /// <summary>The caller of a personal access token; null when it is unknown, revoked or has expired.</summary>
    Task<Caller?> TokenAsync(string token, CancellationToken cancellationToken);

    /// <summary>The caller of a user name with a password, or of any name with a personal access token as password; null when it is wrong.</summary>
    /// <exception cref="ApiException">429 while the account is locked.</exception>
    Task<Caller?> PasswordAsync(string userName, string password, CancellationToken cancellationToken);
}
