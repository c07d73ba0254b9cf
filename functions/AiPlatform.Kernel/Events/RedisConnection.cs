using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using Azure.Identity;
using StackExchange.Redis;

namespace AiPlatform.Kernel.Events;

/// <summary>
/// Redis as a signal between instances. It holds nothing that PostgreSQL does not: while it is away, subscribers find
/// changes by looking now and then instead of at once.
/// </summary>
public sealed partial class RedisConnection(IConfiguration configuration, TimeProvider time, ILogger<RedisConnection> logger) : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly List<(RedisChannel Channel, Action Handler)> _handlers = [];
    private ConnectionMultiplexer? _redis;

    /// <summary>Whether the connection is up now.</summary>
    public bool IsConnected => _redis?.IsConnected ?? false;

    /// <summary>Calls the handler at each message. Call it before the host starts.</summary>
    public void OnMessage(string channel, Action handler) => _handlers.Add((RedisChannel.Literal(channel), handler));

    /// <summary>Sends a signal; it is lost when Redis is away.</summary>
    public void Signal(string channel)
        => _redis?.GetSubscriber().Publish(RedisChannel.Literal(channel), RedisValue.EmptyString, CommandFlags.FireAndForget);

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (configuration.GetConnectionString("Redis") is not { Length: > 0 } connectionString)
        {
            LogNoRedis(logger);
            return;
        }

        var options = ConfigurationOptions.Parse(connectionString);
        options.AbortOnConnectFail = false;
        options.ClientName = "aiplatform-functions";
        options.ReconnectRetryPolicy = new ExponentialRetry(200, 5000);
        options.BacklogPolicy = BacklogPolicy.FailFast;
        var identity = RedisIdentity.IsAskedFor(options) ? new RedisIdentity(new DefaultAzureCredential(), time, logger) : null;
        await (identity?.UseAsync(options, stoppingToken) ?? Task.CompletedTask);
        _redis = await ConnectionMultiplexer.ConnectAsync(options);
        foreach (var (channel, handler) in _handlers)
        {
            await SubscribeAsync(channel, handler, stoppingToken);
        }

        try
        {
            await (identity?.KeepAsync(_redis, options.User!, stoppingToken) ?? Task.Delay(Timeout.Infinite, stoppingToken));
        }
        finally
        {
            await _redis.DisposeAsync();
        }
    }

    // The first subscription needs a connection; later ones are renewed by the library when it reconnects.
    private async Task SubscribeAsync(RedisChannel channel, Action handler, CancellationToken stoppingToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _redis!.GetSubscriber().SubscribeAsync(channel, (_, _) => handler());
                return;
            }
            catch (RedisException exception)
            {
                LogRedisAway(logger, exception.Message);
                await Task.Delay(BackOff.After(attempt, FirstPause, LongestPause), stoppingToken);
            }
        }
    }

    [LoggerMessage(120, LogLevel.Information, "No Redis is configured: live events of other instances arrive a little later")]
    private static partial void LogNoRedis(ILogger logger);

    [LoggerMessage(121, LogLevel.Warning, "Redis is away: {Reason}")]
    private static partial void LogRedisAway(ILogger logger, string reason);
}
