using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Identity;

namespace AiPlatform.Identity.Accounts;

/// <summary>
/// PBKDF2 through the framework. A hash costs tens of milliseconds of a core on purpose, so only as many run at once as
/// there are cores: a burst of logins must not starve every other request.
/// </summary>
internal sealed class PasswordHashing : IDisposable
{
    private static readonly object Account = new();

    private readonly PasswordHasher<object> _hasher = new();
    private readonly SemaphoreSlim _cores = new(Math.Max(1, Environment.ProcessorCount - 1));
    private readonly Lazy<string> _nobody;

    public PasswordHashing() => _nobody = new Lazy<string>(() => _hasher.HashPassword(Account, Guid.NewGuid().ToString()));

    /// <summary>Hashes a new password.</summary>
    public Task<string> HashAsync(string password, CancellationToken cancellationToken)
        => RunAsync(() => _hasher.HashPassword(Account, password), cancellationToken);

    /// <summary>Whether the password fits. Without a hash (no such account) it takes as long and answers no.</summary>
    public Task<bool> VerifyAsync(string? hash, string password, CancellationToken cancellationToken)
        => RunAsync(
            () => _hasher.VerifyHashedPassword(Account, hash ?? _nobody.Value, password) != PasswordVerificationResult.Failed && hash is not null,
            cancellationToken);

    /// <inheritdoc />
    public void Dispose() => _cores.Dispose();

    private async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        await _cores.WaitAsync(cancellationToken);
        try
        {
            return work();
        }
        finally
        {
            _cores.Release();
        }
    }
}
