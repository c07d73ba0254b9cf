using System.Net;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Access;

/// <summary>Knows what callers may prove themselves with.</summary>
public interface ICredentials
{
    /// <summary>The caller of an access token, with the rights that the account has now, and when the token expires; null when it is not good.</summary>
    Task<(Caller Caller, DateTimeOffset Expires)?> AccessTokenAsync(string token, CancellationToken cancellationToken);

    /// <summary>The caller of a personal access token; null when it is unknown, revoked or has expired, or its account is disabled.</summary>
    Task<Caller?> TokenAsync(string token, CancellationToken cancellationToken);

    /// <summary>The caller of a user name with a password, and a proof for <see cref="AgainAsync"/>; null when it is wrong.</summary>
    /// <exception cref="ApiException">429 after too many wrong ones from this address.</exception>
    Task<(Caller Caller, string Proof)?> PasswordAsync(IPAddress? address, string userName, string password, CancellationToken cancellationToken);

    /// <summary>The caller whose password was right a moment ago, with the rights that the account has now; null when the password is another one since.</summary>
    Task<Caller?> AgainAsync(string userId, string proof, CancellationToken cancellationToken);
}
