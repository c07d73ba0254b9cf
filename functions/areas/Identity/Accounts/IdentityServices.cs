using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Ports.Identity;

namespace AiPlatform.Identity.Accounts;

/// <summary>Accounts, logins and tokens.</summary>
internal static class IdentityServices
{
    private const int MinKeyBytes = 32;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddIdentity(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<IdentityOptions>()
            .Bind(configuration.GetSection("Identity"))
            .Validate(
                static options => IsKey(options.SigningKey),
                "Set Identity__SigningKey to base64 of at least 32 random bytes, the same for all instances.")
            .Validate(
                static options => options is { RegistrationsPerMinute: > 0, FailedLoginsPerMinute: > 0, MaxFailedLogins: > 0 } && options.LockoutTime > TimeSpan.Zero,
                "Identity: limits must be positive.")
            .ValidateOnStart();
        services.AddSingleton<DeviceCookie>();
        services.AddSingleton<LoginThrottle>();
        services.AddSingleton<PasswordLogin>();
        services.AddSingleton<Registration>();
        services.AddSingleton<Logins>();
        services.AddSingleton<TokenIssuer>().AddSingleton<IJobTokens>(static provider => provider.GetRequiredService<TokenIssuer>());
        services.AddSingleton<PasswordHashing>();
        services.AddSingleton<IdentityStore>();
        services.AddSingleton<AccessTokenStore>();
        services.AddSingleton<ICredentials, Credentials>();
        services.AddSingleton<IStartupTask, AdministratorBootstrap>();
        services.AddSingleton<ITickTask, IdentitySweep>();
        return services;
    }

    private static bool IsKey(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && length >= MinKeyBytes;
    }
}
