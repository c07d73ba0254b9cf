using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using Azure.Core;
using StackExchange.Redis;
using StackExchange.Redis.Configuration;

namespace AiPlatform.Kernel.Events;

/// <summary>
/// Connections to Azure Managed Redis by identity: the password is a token of Microsoft Entra ID, and the user is the identity's object id.
/// New connections get the newest token, those that are open show it before the old one ends.
/// </summary>
public sealed partial class RedisIdentity(TokenCredential identity, TimeProvider time, ILogger logger) : DefaultOptionsProvider
{
    private static readonly TokenRequestContext Scope = new(["https://redis.azure.com/.default"]);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private AccessToken _token;

    /// <summary>The token, as the library asks for it at each new connection.</summary>
    public override string Password => _token.Token;

    /// <summary>Whether a connection string asks for it: it names a user, wants TLS and brings no password.</summary>
    public static bool IsAskedFor(ConfigurationOptions options) => options is { Ssl: true, User.Length: > 0 } && string.IsNullOrEmpty(options.Password);

    /// <summary>Gets the first token, and has the connections of these options use it.</summary>
    public async Task UseAsync(ConfigurationOptions options, CancellationToken cancellationToken)
    {
        await RenewAsync(cancellationToken);
        options.Defaults = this;

        // One connection for commands and subscriptions, so that both are renewed.
        options.Protocol = RedisProtocol.Resp3;
    }

    /// <summary>Renews the token, and shows it on the open connections, until it is cancelled.</summary>
    public async Task KeepAsync(IConnectionMultiplexer redis, string user, CancellationToken cancellationToken)
    {
        while (true)
        {
            var pause = _token.ExpiresOn - RenewBefore - time.GetUtcNow();
            await Task.Delay(pause > ShortestPause ? pause : ShortestPause, time, cancellationToken);
            await RenewAsync(cancellationToken);
            foreach (var server in redis.GetServers())
            {
                await ShowAsync(server, user);
            }
        }
    }

    private async Task ShowAsync(IServer server, string user)
    {
        try
        {
            await server.ExecuteAsync("AUTH", user, _token.Token);
        }
        catch (RedisException exception)
        {
            // The server ends the connection with its token, and the library makes another with the new one.
            LogNotShown(logger, exception.Message);
        }
    }

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                _token = await identity.GetTokenAsync(Scope, cancellationToken);
                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogNoToken(logger, exception.Message);
                await Task.Delay(BackOff.After(attempt, ShortestPause, LongestPause), time, cancellationToken);
            }
        }
    }

    [LoggerMessage(122, LogLevel.Warning, "There is no token for Redis: {Reason}")]
    private static partial void LogNoToken(ILogger logger, string reason);

    [LoggerMessage(123, LogLevel.Warning, "A connection to Redis goes on with an old token: {Reason}")]
    private static partial void LogNotShown(ILogger logger, string reason);
}
