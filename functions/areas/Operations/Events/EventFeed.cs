using System.Collections.Concurrent;
using AiPlatform.Hosting;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Operations.Events;

/// <summary>
/// One reader of the event stream for all subscribers of this process. It is woken by commits of this process and by
/// Redis for those of others, and looks once a second where no signal arrives.
/// </summary>
internal sealed class EventFeed : BackgroundLoop
{
    private const int Batch = 1000;
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Unsettled = TimeSpan.FromMilliseconds(15);

    private readonly ConcurrentDictionary<EventSubscription, EventPosition> _subscriptions = new();
    private readonly Lock _lock = new();
    private readonly EventStore _store;
    private readonly StartupState _state;
    private EventPosition? _position;
    private bool _pending;

    public EventFeed(EventStore store, EventStream stream, RedisConnection redis, StartupState state, TimeProvider time, ILogger<EventFeed> logger)
        : base(time, logger)
    {
        _store = store;
        _state = state;
        stream.Listen(Wake);
        redis.OnMessage(EventStream.Channel, Wake);
    }

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => _pending ? Unsettled : Slow;

    /// <summary>Begins to pass on events after <paramref name="from"/> that are not read yet; earlier ones are the caller's to replay.</summary>
    public EventSubscription Subscribe(IReadOnlyList<string> topics, EventPosition from)
    {
        var subscription = new EventSubscription(topics);
        lock (_lock)
        {
            _subscriptions[subscription] = from;
            _position ??= from;
        }

        Wake();
        return subscription;
    }

    /// <summary>Ends a subscription.</summary>
    public void Unsubscribe(EventSubscription subscription)
    {
        lock (_lock)
        {
            _subscriptions.TryRemove(subscription, out _);
            if (_subscriptions.IsEmpty)
            {
                // Nobody listens: the stream is not read until somebody does.
                _position = null;
            }
        }
    }

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await _state.WaitAsync(cancellationToken);
        EventPosition position;
        lock (_lock)
        {
            if (_position is not { } current)
            {
                _pending = false;
                return false;
            }

            position = current;
        }

        var (rows, pending) = await _store.ReadAsync(position, Batch, cancellationToken);
        foreach (var row in rows)
        {
            foreach (var subscription in _subscriptions.Keys)
            {
                subscription.Offer(row);
            }
        }

        lock (_lock)
        {
            // When the last subscriber left meanwhile, the next one begins at its own place.
            if (rows.Count > 0 && _position == position)
            {
                _position = rows[^1].Position;
            }
        }

        _pending = pending;
        return rows.Count == Batch;
    }
}
