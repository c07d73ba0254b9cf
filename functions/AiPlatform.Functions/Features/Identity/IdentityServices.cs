using AiPlatform.Functions.Infrastructure;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace AiPlatform.Functions.Features.Identity;

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
            .ValidateOnStart();
        services.AddSingleton<TokenIssuer>();
        services.AddSingleton<PasswordHashing>();
        services.AddSingleton<IdentityStore>();
        services.AddSingleton<AccessTokenStore>();
        services.AddSingleton<ICredentials, Credentials>();
        services.AddSingleton<IStartupTask, AdministratorBootstrap>();
        services.AddSingleton<ITickTask, IdentitySweep>();
        services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme).AddJwtBearer();
        services.AddOptions<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme).Configure<IOptions<IdentityOptions>>(static (bearer, identity) =>
        {
            bearer.MapInboundClaims = false;
            bearer.TokenValidationParameters = new TokenValidationParameters
            {
                ValidIssuer = TokenIssuer.Authority,
                ValidAudience = TokenIssuer.Authority,
                IssuerSigningKey = TokenIssuer.Key(identity.Value),
                ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
                RequireExpirationTime = true,
                ClockSkew = TimeSpan.FromSeconds(10),
                NameClaimType = TokenClaims.Name,
                RoleClaimType = TokenClaims.Role,
            };
        });
        return services;
    }

    private static bool IsKey(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length) && length >= MinKeyBytes;
    }
}
