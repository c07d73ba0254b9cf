using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Access;

/// <summary>
/// Finds the caller of a request: an access token, a personal access token, or Basic credentials. What was checked is
/// remembered for a moment under the hash of the header, so that clients that ask thousands of times a second are checked once;
/// a demoted or disabled account, a revoked token and a changed password count after at most a second in other instances, and at once here.
/// </summary>
public sealed class Callers(ICredentials credentials, TimeProvider time)
{
    /// <summary>How personal access tokens begin.</summary>
    public const string TokenPrefix = "aip_";

    private const int MaxEntries = 10_000;
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(1);

    // A password is worth tens of milliseconds of a core: for so long it is enough that the account still has it.
    private static readonly TimeSpan PasswordLife = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>The caller.</summary>
    /// <exception cref="ApiException">401 <c>unauthenticated</c>.</exception>
    public async ValueTask<Caller> RequireAsync(HttpContext context)
    {
        var header = context.Request.Headers.Authorization.ToString();
        var key = header.Length == 0 ? string.Empty : Key(header, context.Connection.RemoteIpAddress);
        var now = time.GetUtcNow();
        if (_entries.TryGetValue(key, out var entry) && entry.Until > now)
        {
            return entry.Caller;
        }

        var checkedNow = entry?.ProvedUntil > now && await credentials.AgainAsync(entry.Caller.UserId, entry.Proof!, context.RequestAborted) is { } again
            ? entry with { Caller = again, Until = now + Life }
            : await CheckAsync(context, header);
        if (_entries.Count >= MaxEntries)
        {
            _entries.Clear();
        }

        _entries[key] = checkedNow;
        return checkedNow.Caller;
    }

    /// <summary>Forgets what was checked: a token was revoked, or an account changed.</summary>
    public void Clear() => _entries.Clear();

    private async Task<Entry> CheckAsync(HttpContext context, string header)
    {
        var until = time.GetUtcNow() + Life;
        if (AuthenticationHeaderValue.TryParse(header, out var value) && value.Parameter is { Length: > 0 } parameter)
        {
            if (value.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            {
                if (parameter.StartsWith(TokenPrefix, StringComparison.Ordinal))
                {
                    return new(await credentials.TokenAsync(parameter, context.RequestAborted) ?? throw Unauthenticated(context), until);
                }

                var (caller, expires) = await credentials.AccessTokenAsync(parameter, context.RequestAborted) ?? throw Unauthenticated(context);
                return new(caller, expires < until ? expires : until);
            }

            if (value.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase))
            {
                var (name, password) = Decode(parameter) ?? throw Unauthenticated(context);
                if (password.StartsWith(TokenPrefix, StringComparison.Ordinal))
                {
                    return new(await credentials.TokenAsync(password, context.RequestAborted) ?? throw Unauthenticated(context), until);
                }

                var (caller, proof) = await credentials.PasswordAsync(context.Connection.RemoteIpAddress, name, password, context.RequestAborted)
                    ?? throw WrongPassword(context);
                return new(caller, until) { Proof = proof, ProvedUntil = time.GetUtcNow() + PasswordLife };
            }
        }

        Challenge(context, "Bearer");
        throw new ApiException(ErrorCodes.Unauthenticated);
    }

    // A caller who is looked at again while the answer is under way is told nothing more.
    private static void Challenge(HttpContext context, string challenge)
    {
        if (!context.Response.HasStarted)
        {
            context.Response.Headers.WWWAuthenticate = challenge;
        }
    }

    private static ApiException Unauthenticated(HttpContext context)
    {
        Challenge(context, "Bearer error=\"invalid_token\"");
        return new ApiException(ErrorCodes.Unauthenticated);
    }

    private static ApiException WrongPassword(HttpContext context)
    {
        Challenge(context, "Basic realm=\"aiplatform\"");
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

        // No account has a name with U+0000, and PostgreSQL has no text to look for it with.
        return text.IndexOf(':', StringComparison.Ordinal) is >= 0 and var colon && !text.Contains('\0', StringComparison.Ordinal)
            ? (text[..colon], text[(colon + 1)..])
            : null;
    }

    // Not the header itself: nobody shall find passwords in a memory dump. A password that was right from one address says nothing to
    // another, which may be one that guesses.
    private static string Key(string header, System.Net.IPAddress? address)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        var text = header.StartsWith("Basic", StringComparison.OrdinalIgnoreCase) ? $"{address} {header}" : header;
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return Convert.ToHexString(hash);
    }

    /// <summary>What was checked.</summary>
    /// <param name="Until">Until then it is not looked at again.</param>
    private sealed record Entry(Caller Caller, DateTimeOffset Until)
    {
        /// <summary>Shows that the account's password is still the one that was right; null when it was no password.</summary>
        public string? Proof { get; init; }

        /// <summary>Until then the proof stands for the password.</summary>
        public DateTimeOffset? ProvedUntil { get; init; }
    }
}
