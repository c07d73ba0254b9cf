using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;

namespace AiPlatform.Identity.Accounts;

/// <summary>Creates the configured administrator when there is none.</summary>
internal sealed partial class AdministratorBootstrap(
    IdentityStore store, PasswordHashing passwords, IOptions<IdentityOptions> options, ILogger<AdministratorBootstrap> logger) : IStartupTask
{
    /// <inheritdoc />
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var administrator = options.Value.Administrator;
        if (string.IsNullOrEmpty(administrator.Password) || await store.HasAdministratorAsync(cancellationToken))
        {
            return;
        }

        var hash = await passwords.HashAsync(administrator.Password, cancellationToken);
        if (await store.CreateFirstAdministratorAsync(administrator.UserName, administrator.Email, hash, cancellationToken))
        {
            LogCreated(logger);
        }
    }

    [LoggerMessage(200, LogLevel.Information, "The configured administrator was created")]
    private static partial void LogCreated(ILogger logger);
}
