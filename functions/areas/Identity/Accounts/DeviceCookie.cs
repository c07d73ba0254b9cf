using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace AiPlatform.Identity.Accounts;

/// <summary>
/// Says that somebody has logged in to an account with this browser before. Wrong passwords of others, at the same address too, are not
/// counted against it: it has a count of its own. It proves nothing else, and no other account.
/// </summary>
internal sealed class DeviceCookie(IOptions<IdentityOptions> options, TimeProvider time)
{
    /// <summary>The cookie's name.</summary>
    public const string Name = "aip-device";

    private const char Separator = '.';
    private const int MaxLength = 200;
    private static readonly TimeSpan Life = TimeSpan.FromDays(180);

    private readonly byte[] _key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Convert.FromBase64String(options.Value.SigningKey), 32, info: Encoding.UTF8.GetBytes("aiplatform device cookie 1"));

    /// <summary>The device that a request comes from; null when it brings no cookie for the account.</summary>
    /// <param name="account">The name that somebody logs in with.</param>
    public string? Find(HttpRequest request, string account)
    {
        if (request.Cookies[Name] is not { Length: <= MaxLength } cookie || cookie.Split(Separator) is not [var device, var until, var proof]
            || !long.TryParse(until, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds < time.GetUtcNow().ToUnixTimeSeconds())
        {
            return null;
        }

        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Proof(device, until, account)), Encoding.UTF8.GetBytes(proof)) ? device : null;
    }

    /// <summary>Marks the browser that has just logged in; one that is marked already stays the same device.</summary>
    public void Mark(HttpContext context, string account)
    {
        var device = Find(context.Request, account) ?? Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        var expires = time.GetUtcNow() + Life;
        var until = expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        context.Response.Cookies.Append(Name, string.Join(Separator, device, until, Proof(device, until, account)), new CookieOptions
        {
            HttpOnly = true,
            Secure = context.Request.IsHttps,
            SameSite = SameSiteMode.Strict,
            Path = "/v1",
            Expires = expires,
        });
    }

    private string Proof(string device, string until, string account)
        => Base64Url.EncodeToString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(string.Join('\n', device, until, account.ToUpperInvariant()))));
}
