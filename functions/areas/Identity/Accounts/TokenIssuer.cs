using System.Globalization;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace AiPlatform.Identity.Accounts;

/// <summary>Issues and checks access tokens: short-lived JWTs that every instance can check without asking anybody.</summary>
internal sealed class TokenIssuer(IOptions<IdentityOptions> options, TimeProvider time) : IJobTokens
{
    /// <summary>The issuer and audience of all tokens.</summary>
    public const string Authority = "aiplatform";

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials _credentials = new(Key(options.Value), SecurityAlgorithms.HmacSha256);

    private readonly TokenValidationParameters _validation = new()
    {
        ValidIssuer = Authority,
        ValidAudience = Authority,
        IssuerSigningKey = Key(options.Value),
        ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
        RequireExpirationTime = true,
        ClockSkew = TimeSpan.FromSeconds(10),
    };

    /// <summary>A token of a person.</summary>
    /// <param name="userId">The account.</param>
    /// <param name="userName">Its name.</param>
    /// <param name="role"><c>member</c> or <c>administrator</c>.</param>
    /// <param name="loginId">The login that the token ends with.</param>
    public IssuedToken ForUser(string userId, string userName, string role, string loginId)
        => Issue(userId, userName, role, options.Value.AccessTokenLife, (TokenClaims.Login, loginId));

    /// <summary>A token of a platform service.</summary>
    /// <param name="role"><c>service</c> or <c>runner</c>.</param>
    public IssuedToken ForService(string client, string role) => Issue(client, client, role, options.Value.AccessTokenLife);

    /// <inheritdoc />
    public IssuedToken ForJob(string jobId, string runId, int attempt)
        => Issue(
            jobId,
            jobId,
            "job",
            options.Value.JobTokenLife,
            (TokenClaims.Job, jobId),
            (TokenClaims.Run, runId),
            (TokenClaims.Attempt, attempt.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Checks signature, issuer, audience and life of a token.</summary>
    /// <returns>The caller that the token speaks for and when it expires; null when the token is not good.</returns>
    public async Task<(Caller Caller, DateTimeOffset Expires)?> CheckAsync(string token)
    {
        var result = await _handler.ValidateTokenAsync(token, _validation);
        return result.IsValid ? (Caller.From(result.ClaimsIdentity), new DateTimeOffset(result.SecurityToken.ValidTo, TimeSpan.Zero)) : null;
    }

    private static SymmetricSecurityKey Key(IdentityOptions options) => new(Convert.FromBase64String(options.SigningKey));

    private IssuedToken Issue(string subject, string name, string role, TimeSpan life, params ReadOnlySpan<(string Name, string Value)> extra)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            [TokenClaims.Subject] = subject,
            [TokenClaims.Name] = name,
            [TokenClaims.Role] = role,
            [JwtRegisteredClaimNames.Jti] = Ids.New(time),
        };
        foreach (var (claim, value) in extra)
        {
            claims[claim] = value;
        }

        var token = _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Authority,
            Audience = Authority,
            IssuedAt = now,
            NotBefore = now,
            Expires = now + life,
            Claims = claims,
            SigningCredentials = _credentials,
        });
        return new IssuedToken(token, (int)life.TotalSeconds);
    }
}
