using System.Threading.Channels;
using AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>A worker's stream of work items. What it holds is leased to it while the stream lives. Guarded by the engine's lock.</summary>
internal sealed class WorkerConnection(HubState hub, GetWorkItemsRequest request, bool caches, int defaultConcurrency)
{
    // Unbounded, but never holds more than the worker's declared concurrency plus a health ping.
    private readonly Channel<WorkItem> _outgoing = Channel.CreateUnbounded<WorkItem>(new() { SingleReader = true });

    public HubState Hub { get; } = hub;

    /// <summary>The worker keeps orchestrators in memory between turns and can do with new events alone.</summary>
    public bool Caches { get; } = caches;

    /// <summary>The worker can read a long history from StreamInstanceHistory.</summary>
    public bool StreamsHistory { get; } = request.Capabilities.Contains(WorkerCapability.HistoryStreaming);

    public NameFilter OrchestrationFilter { get; } = NameFilter.Create(
        request.WorkItemFilters is null ? null : request.WorkItemFilters.Orchestrations.Select(filter => (filter.Name, (IEnumerable<string>)filter.Versions)));

    public NameFilter ActivityFilter { get; } = NameFilter.Create(
        request.WorkItemFilters is null ? null : request.WorkItemFilters.Activities.Select(filter => (filter.Name, (IEnumerable<string>)filter.Versions)));

    public HashSet<LiveInstance> Turns { get; } = [];

    public HashSet<PendingActivity> Activities { get; } = [];

    public bool IsClosed { get; private set; }

    public bool HasTurnSlot => !IsClosed && Turns.Count < TurnLimit;

    public bool HasActivitySlot => !IsClosed && Activities.Count < ActivityLimit;

    private int TurnLimit { get; } = request.MaxConcurrentOrchestrationWorkItems > 0 ? request.MaxConcurrentOrchestrationWorkItems : defaultConcurrency;

    private int ActivityLimit { get; } = request.MaxConcurrentActivityWorkItems > 0 ? request.MaxConcurrentActivityWorkItems : defaultConcurrency;

    public void Send(WorkItem item) => _outgoing.Writer.TryWrite(item);

    public void Close()
    {
        IsClosed = true;
        _outgoing.Writer.TryComplete();
    }

    /// <summary>Reads the next item to send.</summary>
    public ChannelReader<WorkItem> Outgoing => _outgoing.Reader;
}
