using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts;

namespace AiPlatform.Functions.Infrastructure;

/// <summary>
/// Finds the caller of a request: an access token, a personal access token, or Basic credentials. What was checked is
/// remembered for a moment under the hash of the header, so that clients that ask thousands of times a second are checked once;
/// a revoked token works for at most 5 s more in other instances, a changed password for 60 s.
/// </summary>
internal sealed class Callers(ICredentials credentials, TimeProvider time)
{
    /// <summary>How personal access tokens begin.</summary>
    public const string TokenPrefix = "aip_";

    private const int MaxEntries = 10_000;
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PasswordLife = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, (Caller Caller, DateTimeOffset Until)> _entries = new(StringComparer.Ordinal);

    /// <summary>The caller.</summary>
    /// <exception cref="ApiException">401 <c>unauthenticated</c>.</exception>
    public async ValueTask<Caller> RequireAsync(HttpContext context)
    {
        var header = context.Request.Headers.Authorization.ToString();
        var key = header.Length == 0 ? string.Empty : Key(header);
        if (_entries.TryGetValue(key, out var entry) && entry.Until > time.GetUtcNow())
        {
            return entry.Caller;
        }

        var (caller, until) = await CheckAsync(context, header);
        if (_entries.Count >= MaxEntries)
        {
            _entries.Clear();
        }

        _entries[key] = (caller, until);
        return caller;
    }

    /// <summary>Forgets what was checked: a token was revoked, or a password changed.</summary>
    public void Clear() => _entries.Clear();

    private async Task<(Caller Caller, DateTimeOffset Until)> CheckAsync(HttpContext context, string header)
    {
        var now = time.GetUtcNow();
        if (AuthenticationHeaderValue.TryParse(header, out var value) && value.Parameter is { Length: > 0 } parameter)
        {
            if (value.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            {
                if (parameter.StartsWith(TokenPrefix, StringComparison.Ordinal))
                {
                    return (await credentials.TokenAsync(parameter, context.RequestAborted) ?? throw Unauthenticated(context), now + Life);
                }

                var (caller, expires) = await credentials.AccessTokenAsync(parameter) ?? throw Unauthenticated(context);
                return (caller, expires < now + Life ? expires : now + Life);
            }

            if (value.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase))
            {
                var (name, password) = Decode(parameter) ?? throw Unauthenticated(context);
                return password.StartsWith(TokenPrefix, StringComparison.Ordinal)
                    ? (await credentials.TokenAsync(password, context.RequestAborted) ?? throw Unauthenticated(context), now + Life)
                    : (await credentials.PasswordAsync(name, password, context.RequestAborted) ?? throw WrongPassword(context), now + PasswordLife);
            }
        }

        context.Response.Headers.WWWAuthenticate = "Bearer";
        throw new ApiException(ErrorCodes.Unauthenticated);
    }

    private static ApiException Unauthenticated(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
        return new ApiException(ErrorCodes.Unauthenticated);
    }

    private static ApiException WrongPassword(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Basic realm=\"aiplatform\"";
        return new ApiException(ErrorCodes.InvalidCredentials);
    }

    private static (string Name, string Password)? Decode(string parameter)
    {
        var bytes = new byte[parameter.Length];
        if (!Convert.TryFromBase64String(parameter, bytes, out var length))
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(bytes, 0, length);
        return text.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon ? (text[..colon], text[(colon + 1)..]) : null;
    }

    // Not the header itself: nobody shall find passwords in a memory dump.
    private static string Key(string header)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(header), hash);
        return Convert.ToHexString(hash);
    }
}
