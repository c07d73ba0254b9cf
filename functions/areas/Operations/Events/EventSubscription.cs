using System.Threading.Channels;
using AiPlatform.Kernel.Events;

namespace AiPlatform.Operations.Events;

/// <summary>One subscriber's share of the stream. A subscriber that does not keep up is ended; it comes back with <c>Last-Event-ID</c>.</summary>
internal sealed class EventSubscription(IReadOnlyList<string> topics)
{
    private const int Capacity = 1024;

    private readonly HashSet<string> _topics = new(topics, StringComparer.Ordinal);
    private readonly Channel<EventRow> _rows = Channel.CreateBounded<EventRow>(new BoundedChannelOptions(Capacity) { SingleReader = true });

    /// <summary>Events as they come; ends when the subscriber was too slow.</summary>
    public ChannelReader<EventRow> Rows => _rows.Reader;

    /// <summary>Passes an event on if the subscriber asked for its topic.</summary>
    public void Offer(EventRow row)
    {
        if (_topics.Contains(row.Topic) && !_rows.Writer.TryWrite(row))
        {
            _rows.Writer.TryComplete();
        }
    }
}
