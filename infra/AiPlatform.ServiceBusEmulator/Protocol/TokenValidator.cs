using AiPlatform.ServiceBusEmulator.Entities;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>
/// Checks the tokens that clients put to <c>$cbs</c> or send with administration requests: shared access signatures, and JSON
/// web tokens of the issuer in the settings. Such a token is good for every entity.
/// </summary>
internal sealed class TokenValidator
{
    private const string SasType = "servicebus.windows.net:sastoken";
    private const string JwtType = "jwt";

    private static readonly JsonWebTokenHandler Handler = new();

    private readonly SasValidator _sas;
    private readonly JwtOptions _options;
    private readonly TimeProvider _time;
    private readonly ConfigurationManager<OpenIdConnectConfiguration>? _discovery;

    private readonly EntityCatalog _catalog;

    public TokenValidator(IOptions<ServiceBusOptions> options, EntityCatalog catalog, TimeProvider time)
    {
        _catalog = catalog;
        _sas = new SasValidator(options.Value.SharedAccessKeyName, options.Value.SharedAccessKey);
        _options = options.Value.Jwt;
        _time = time;
        if (_options.Authority.Length > 0)
        {
            // Keys may come over plain HTTP from an issuer on the same machine only.
            var isLocal = Uri.TryCreate(_options.Authority, UriKind.Absolute, out var authority) && authority.IsLoopback;
            _discovery = new ConfigurationManager<OpenIdConnectConfiguration>(
                _options.Authority.TrimEnd('/') + "/.well-known/openid-configuration",
                new OpenIdConnectConfigurationRetriever(),
                new HttpDocumentRetriever { RequireHttps = !isLocal });
        }
    }

    internal SasValidator Sas => _sas;

    /// <summary>Checks a token of a type that <c>$cbs</c> knows; null when it is not valid.</summary>
    internal async Task<SasGrant?> ValidateAsync(string? type, string token) => type switch
    {
        SasType => _sas.Validate(token, _time.GetUtcNow(), _catalog.AuthorizationRulesOf),
        JwtType => await ValidateJwtAsync(token),
        _ => null,
    };

    /// <summary>Checks the authorization header of an HTTP request; null when it is not valid.</summary>
    internal async Task<SasGrant?> ValidateHeaderAsync(string header)
    {
        const string bearer = "Bearer ";
        return header.StartsWith(bearer, StringComparison.OrdinalIgnoreCase)
            ? await ValidateJwtAsync(header[bearer.Length..].Trim())
            : _sas.Validate(header, _time.GetUtcNow(), _catalog.AuthorizationRulesOf);
    }

    private async Task<SasGrant?> ValidateJwtAsync(string token)
    {
        if (_discovery is null && _options.SigningKey.Length == 0)
        {
            return null;
        }

        var parameters = new TokenValidationParameters
        {
            ValidAudiences = [_options.Audience, _options.Audience + "/"],
            ClockSkew = TimeSpan.FromSeconds(30),
            LifetimeValidator = (from, until, _, _) => until > _time.GetUtcNow().UtcDateTime && (from is null || from <= _time.GetUtcNow().UtcDateTime.AddSeconds(30)),
            ValidateIssuer = _options.Issuer.Length > 0 || _discovery is not null,
            ValidIssuer = _options.Issuer.Length > 0 ? _options.Issuer : null,
        };
        if (_discovery is null)
        {
            parameters.IssuerSigningKey = new SymmetricSecurityKey(System.Text.Encoding.UTF8.GetBytes(_options.SigningKey));
        }
        else
        {
            var issuer = await _discovery.GetConfigurationAsync(CancellationToken.None);
            parameters.IssuerSigningKeys = issuer.SigningKeys;
            parameters.ValidIssuer ??= issuer.Issuer;
        }

        var result = await Handler.ValidateTokenAsync(token, parameters);
        if (!result.IsValid && result.Exception is SecurityTokenSignatureKeyNotFoundException)
        {
            // The issuer may have changed its keys: the next token is checked against the new ones.
            _discovery?.RequestRefresh();
        }

        return result.IsValid ? new SasGrant(string.Empty, new DateTimeOffset(result.SecurityToken.ValidTo, TimeSpan.Zero)) : null;
    }
}
