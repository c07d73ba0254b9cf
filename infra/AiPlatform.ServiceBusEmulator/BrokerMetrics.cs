using Prometheus;

namespace AiPlatform.ServiceBusEmulator;

/// <summary>The broker's metrics, served at <c>/metrics</c>.</summary>
internal sealed class BrokerMetrics
{
    private readonly Counter _received;
    private readonly Counter _delivered;
    private readonly Counter _settled;
    private readonly Gauge _messages;
    private readonly Gauge _connections;
    private readonly Histogram _groupSize;
    private readonly Histogram _commitSeconds;

    public BrokerMetrics()
    {
        // A registry of its own: several brokers in one test process do not add up.
        Registry = Prometheus.Metrics.NewCustomRegistry();
        var factory = Prometheus.Metrics.WithCustomRegistry(Registry);
        _received = factory.CreateCounter("servicebus_messages_received_total", "Messages accepted and made durable.", "queue");
        _delivered = factory.CreateCounter("servicebus_messages_delivered_total", "Messages sent to receivers, repeats included.", "queue");
        _settled = factory.CreateCounter("servicebus_messages_settled_total", "Ends of deliveries by kind.", "queue", "outcome");
        _messages = factory.CreateGauge("servicebus_messages", "Messages now, by where they are.", "queue", "state");
        _connections = factory.CreateGauge("servicebus_connections", "Open AMQP connections.");
        _groupSize = factory.CreateHistogram(
            "servicebus_commit_changes", "Changes per commit.", new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(1, 2, 10) });
        _commitSeconds = factory.CreateHistogram(
            "servicebus_commit_seconds", "Time per commit.", new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.0005, 2, 14) });
    }

    internal CollectorRegistry Registry { get; }

    internal void Received(string queue, int count) => _received.WithLabels(queue).Inc(count);

    internal void Delivered(string queue) => _delivered.WithLabels(queue).Inc();

    internal void Settled(string queue, string outcome, int count = 1) => _settled.WithLabels(queue, outcome).Inc(count);

    internal void Depth(string queue, long active, int locked, int inMemory)
    {
        _messages.WithLabels(queue, "active").Set(active);
        _messages.WithLabels(queue, "locked").Set(locked);
        _messages.WithLabels(queue, "in_memory").Set(inMemory);
    }

    internal void SetConnections(int count) => _connections.Set(count);

    internal void GroupCommitted(int changes, TimeSpan elapsed)
    {
        _groupSize.Observe(changes);
        _commitSeconds.Observe(elapsed.TotalSeconds);
    }
}
