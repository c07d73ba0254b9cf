using Amqp;
using Amqp.Framing;
using Amqp.Listener;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>
/// Ends a link on which nothing happened for some time, as the service does: a client that cannot open its links again is found
/// out here and not in production.
/// </summary>
internal sealed partial class IdleLink
{
    private readonly ListenerLink _link;
    private readonly string _entity;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private long _lastUse;
    private int _pending;

    internal IdleLink(ListenerLink link, string entity, TimeSpan limit, TimeProvider time, ILogger logger)
    {
        _link = link;
        _entity = entity;
        _limit = limit;
        _time = time;
        _logger = logger;
        Touch();
        _timer = time.CreateTimer(static idle => ((IdleLink)idle!).Check(), this, limit, Timeout.InfiniteTimeSpan);
        link.Closed += (_, _) => _timer.Dispose();
    }

    /// <summary>The link was used.</summary>
    internal void Touch() => Volatile.Write(ref _lastUse, _time.GetTimestamp());

    /// <summary>A message came that is answered later: until <see cref="End"/> the link is in use.</summary>
    internal void Begin()
    {
        Interlocked.Increment(ref _pending);
        Touch();
    }

    /// <summary>A message of <see cref="Begin"/> was answered.</summary>
    internal void End()
    {
        Touch();
        Interlocked.Decrement(ref _pending);
    }

    private void Check()
    {
        if (_link.IsClosed)
        {
            _timer.Dispose();
            return;
        }

        var left = Volatile.Read(ref _pending) > 0 ? _limit : _limit - _time.GetElapsedTime(Volatile.Read(ref _lastUse));
        if (left > TimeSpan.Zero)
        {
            _timer.Change(left, Timeout.InfiniteTimeSpan);
            return;
        }

        try
        {
            _link.Close(TimeSpan.Zero, new Error(ErrorCode.DetachForced) { Description = $"The link to '{_entity}' is detached: it was idle for {_limit}." });
        }
        catch (Exception exception) when (exception is AmqpException or InvalidOperationException or ObjectDisposedException)
        {
            // The connection ended at the same time, and the link with it.
            LogCloseFailed(_logger, exception, _entity);
        }
    }

    [LoggerMessage(26, LogLevel.Debug, "An idle link to {Entity} was gone already")]
    private static partial void LogCloseFailed(ILogger logger, Exception exception, string entity);
}
