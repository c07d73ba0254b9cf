using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;

namespace AiPlatform.Identity.Accounts;

/// <summary>
/// Slows guessing down, for all instances together, without anybody being locked out by what others do. Attempts are counted before a
/// password is looked at, so that many at once count too, and given back when it was right.
/// <list type="bullet">
/// <item>An address that is wrong with one account again and again waits longer each time before it may try that account again.</item>
/// <item>An address may be wrong so often in a minute, whatever the accounts: that limits spraying. Accounts that have logged in from the
/// address lately are not held up by it, since one address often stands for many people, and on one host for jobs as well; they have the
/// limit of address and account.</item>
/// <item>A browser that has logged in to the account (<see cref="DeviceCookie"/>) has a count of its own and none of these.</item>
/// </list>
/// An account as such is never locked.
/// </summary>
internal sealed class LoginThrottle(Database database, IOptions<IdentityOptions> options, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Forgotten = TimeSpan.FromHours(1);
    private static readonly TimeSpan Known = TimeSpan.FromDays(30);
    private static readonly TimeSpan Renewal = TimeSpan.FromDays(1);

    /// <summary>Counts a registration.</summary>
    /// <exception cref="ApiException">429.</exception>
    public async Task RegisterAsync(IPAddress? address, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await TakeAsync(connection, Key("register", address), options.Value.RegistrationsPerMinute, cancellationToken);
    }

    /// <summary>Counts an attempt to log in.</summary>
    /// <param name="device">The browser, where it has logged in to this account before.</param>
    /// <exception cref="ApiException">429.</exception>
    public async Task<LoginAttempt> AttemptAsync(IPAddress? address, string account, string? device, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var now = time.GetUtcNow();
        if (device is not null)
        {
            var own = new LoginAttempt($"device:{device}", null, null);
            await CountAsync(connection, own.Key, now, cancellationToken);
            return own;
        }

        var (pair, known) = (Key("pair", address, account), Key("known", address, account));
        var lastRight = await connection.QuerySingleOrDefaultAsync<DateTimeOffset?>(new CommandDefinition(
            "SELECT at FROM auth_throttle WHERE key = @known AND at > @since", new { known, since = now - Known }, cancellationToken: cancellationToken));
        if (lastRight is null)
        {
            await TakeAsync(connection, Key("login", address), options.Value.FailedLoginsPerMinute, cancellationToken);
        }

        await CountAsync(connection, pair, now, cancellationToken);
        return new LoginAttempt(pair, lastRight is null ? Key("login", address) : null, lastRight > now - Renewal ? null : known);
    }

    /// <summary>The attempt was right: it was none of those that count.</summary>
    public async Task SucceededAsync(LoginAttempt attempt, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            DELETE FROM auth_throttle WHERE key = @Key;
            UPDATE auth_throttle SET level = greatest(0, level - 1) WHERE key = @Address;
            INSERT INTO auth_throttle AS t (key, at) SELECT @Known, @now WHERE @Known::text IS NOT NULL
            ON CONFLICT (key) DO UPDATE SET at = excluded.at
            """,
            new { attempt.Key, attempt.Address, attempt.Known, now = time.GetUtcNow() },
            cancellationToken: cancellationToken));
    }

    /// <summary>Removes what no longer limits anybody, and no longer spares anybody.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var now = time.GetUtcNow();
        await connection.ExecuteAsync(new CommandDefinition(
            """
            DELETE FROM auth_throttle WHERE at < @before AND (blocked_until IS NULL OR blocked_until < @now)
                AND (key NOT LIKE 'known:%' OR at < @knownBefore)
            """,
            new { before = now - Forgotten, knownBefore = now - Known, now },
            cancellationToken: cancellationToken));
    }

    // One more failure in a row, until it turns out to be none.
    private async Task CountAsync(NpgsqlConnection connection, string key, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var counted = await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO auth_throttle AS t (key, failures, at) VALUES (@key, 1, @now)
            ON CONFLICT (key) DO UPDATE SET
                failures = CASE WHEN t.at < @forgotten THEN 1 ELSE t.failures + 1 END,
                blocked_until = CASE WHEN t.at >= @forgotten AND t.failures + 1 >= @max
                    THEN @now + least(@longest, @first * power(2, least(t.failures + 1 - @max, 20))) * interval '1 second' END,
                at = @now
            WHERE t.blocked_until IS NULL OR t.blocked_until <= @now
            """,
            new
            {
                key,
                now,
                forgotten = now - Forgotten,
                max = options.Value.MaxFailedLogins,
                first = FirstPause.TotalSeconds,
                longest = options.Value.LockoutTime.TotalSeconds,
            },
            cancellationToken: cancellationToken));
        if (counted == 0)
        {
            var until = await connection.QuerySingleOrDefaultAsync<DateTimeOffset?>(new CommandDefinition(
                "SELECT blocked_until FROM auth_throttle WHERE key = @key", new { key }, cancellationToken: cancellationToken));
            throw Refused((until ?? now) - now);
        }
    }

    private async Task TakeAsync(NpgsqlConnection connection, string key, int perMinute, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var rate = perMinute / 60.0;
        var level = await connection.QuerySingleOrDefaultAsync<double?>(new CommandDefinition(
            """
            INSERT INTO auth_throttle AS t (key, level, at) VALUES (@key, 1, @now)
            ON CONFLICT (key) DO UPDATE SET level = greatest(0, t.level - extract(epoch FROM @now - t.at) * @rate) + 1, at = @now
            WHERE greatest(0, t.level - extract(epoch FROM @now - t.at) * @rate) + 1 <= @perMinute
            RETURNING level
            """,
            new { key, now, rate, perMinute = (double)perMinute },
            cancellationToken: cancellationToken));
        if (level is null)
        {
            throw Refused(TimeSpan.FromSeconds(1 / rate));
        }
    }

    private static ApiException Refused(TimeSpan pause)
        => new(ErrorCodes.TooManyRequests) { RetryAfterSeconds = Math.Max(1, (int)Math.Ceiling(pause.TotalSeconds)) };

    private static string Key(string what, IPAddress? address, string account)
        => $"{Key(what, address)}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(account.ToUpperInvariant())))[..32]}";

    // Whoever has an IPv6 network has as many addresses as he wants: the network counts.
    private static string Key(string what, IPAddress? address)
    {
        var plain = address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;
        return plain is { AddressFamily: AddressFamily.InterNetworkV6 }
            ? $"{what}:{Convert.ToHexStringLower(plain.GetAddressBytes().AsSpan(0, 8))}"
            : $"{what}:{plain?.ToString() ?? "none"}";
    }
}
