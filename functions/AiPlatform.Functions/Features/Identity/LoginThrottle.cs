using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Functions.Infrastructure;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Functions.Features.Identity;

/// <summary>
/// Slows guessing down, for all instances together. Attempts are counted before a password is looked at, so that many at once count too,
/// and given back when it was right. An address may be wrong so often in a minute, whatever the accounts; an address that is wrong with
/// one account again and again waits longer each time. An account as such is never locked: its owner logs in from elsewhere.
/// </summary>
internal sealed class LoginThrottle(Database database, IOptions<IdentityOptions> options, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Forgotten = TimeSpan.FromHours(1);

    /// <summary>Counts a registration.</summary>
    /// <exception cref="ApiException">429.</exception>
    public Task RegisterAsync(IPAddress? address, CancellationToken cancellationToken)
        => TakeAsync("register", address, options.Value.RegistrationsPerMinute, cancellationToken);

    /// <summary>Counts an attempt to log in.</summary>
    /// <exception cref="ApiException">429.</exception>
    public async Task AttemptAsync(IPAddress? address, string account, CancellationToken cancellationToken)
    {
        await TakeAsync("login", address, options.Value.FailedLoginsPerMinute, cancellationToken);
        await using var connection = await database.OpenAsync(cancellationToken);
        var now = time.GetUtcNow();
        var pair = Pair(address, account);
        var counted = await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO auth_throttle AS t (key, failures, at) VALUES (@pair, 1, @now)
            ON CONFLICT (key) DO UPDATE SET
                failures = CASE WHEN t.at < @forgotten THEN 1 ELSE t.failures + 1 END,
                blocked_until = CASE WHEN t.at >= @forgotten AND t.failures + 1 >= @max
                    THEN @now + least(@longest, @first * power(2, least(t.failures + 1 - @max, 20))) * interval '1 second' END,
                at = @now
            WHERE t.blocked_until IS NULL OR t.blocked_until <= @now
            """,
            new
            {
                pair,
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
                "SELECT blocked_until FROM auth_throttle WHERE key = @pair", new { pair }, cancellationToken: cancellationToken));
            throw Refused((until ?? now) - now);
        }
    }

    /// <summary>The attempt was right: it was none of those that count.</summary>
    public async Task SucceededAsync(IPAddress? address, string account, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM auth_throttle WHERE key = @pair; UPDATE auth_throttle SET level = greatest(0, level - 1) WHERE key = @address",
            new { pair = Pair(address, account), address = Key("login", address) },
            cancellationToken: cancellationToken));
    }

    /// <summary>Removes what no longer limits anybody.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM auth_throttle WHERE at < @before AND (blocked_until IS NULL OR blocked_until < @now)",
            new { before = time.GetUtcNow() - Forgotten, now = time.GetUtcNow() },
            cancellationToken: cancellationToken));
    }

    private async Task TakeAsync(string what, IPAddress? address, int perMinute, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var now = time.GetUtcNow();
        var key = Key(what, address);
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

    private static string Pair(IPAddress? address, string account)
        => $"{Key("pair", address)}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(account.ToUpperInvariant())))[..32]}";

    // Whoever has an IPv6 network has as many addresses as he wants: the network counts.
    private static string Key(string what, IPAddress? address)
    {
        var plain = address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address;
        return plain is { AddressFamily: AddressFamily.InterNetworkV6 }
            ? $"{what}:{Convert.ToHexStringLower(plain.GetAddressBytes().AsSpan(0, 8))}"
            : $"{what}:{plain?.ToString() ?? "none"}";
    }
}
