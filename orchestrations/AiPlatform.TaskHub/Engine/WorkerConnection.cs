using System.Threading.Channels;
using AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.TaskHub.Engine;

/// <summary>A worker's stream of work items. What it holds is leased to it while the stream lives. Guarded by the engine's lock.</summary>
internal sealed class WorkerConnection(HubState hub, GetWorkItemsRequest request, int defaultConcurrency)
{
    // Unbounded, but never holds more than the worker's declared concurrency plus a health ping.
    private readonly Channel<(WorkItem Item, bool IsRelayed)> _outgoing = Channel.CreateUnbounded<(WorkItem, bool)>(new() { SingleReader = true });

    public HubState Hub { get; } = hub;

    /// <summary>The worker can read a long history from StreamInstanceHistory.</summary>
    public bool StreamsHistory { get; } = request.Capabilities.Contains(WorkerCapability.HistoryStreaming);

    public NameFilter OrchestrationFilter { get; } = NameFilter.Create(
        Filters(request)?.Orchestrations.Select(filter => (filter.Name, (IEnumerable<string>)filter.Versions)));

    public NameFilter ActivityFilter { get; } = NameFilter.Create(
        Filters(request)?.Activities.Select(filter => (filter.Name, (IEnumerable<string>)filter.Versions)));

    public NameFilter EntityFilter { get; } = NameFilter.Create(
        Filters(request)?.Entities.Select(filter => (filter.Name, Enumerable.Empty<string>())));

    public HashSet<LiveInstance> Turns { get; } = [];

    public HashSet<LiveEntity> Entities { get; } = [];

    public HashSet<PendingActivity> Activities { get; } = [];

    /// <summary>Tokens of activities that it runs for other processes.</summary>
    public HashSet<string> Elsewhere { get; } = new(StringComparer.Ordinal);

    public bool IsClosed { get; private set; }

    /// <summary>Into how many parts the worker's concurrency is divided: each process of the hub sends it one.</summary>
    public int Shares { get; set; } = 1;

    public bool HasTurnSlot => !IsClosed && Turns.Count < Share(TurnLimit, Shares);

    public bool HasActivitySlot => !IsClosed && Activities.Count < Share(ActivityLimit, Shares);

    public bool HasEntitySlot => !IsClosed && Entities.Count < Share(EntityLimit, Shares);

    // Workers of before entities declare the other kinds only: they get none, for they would not answer.
    private int EntityLimit { get; } = request.MaxConcurrentEntityWorkItems > 0 ? request.MaxConcurrentEntityWorkItems
        : request.MaxConcurrentOrchestrationWorkItems > 0 || request.MaxConcurrentActivityWorkItems > 0 ? 0 : defaultConcurrency;

    private int TurnLimit { get; } = request.MaxConcurrentOrchestrationWorkItems > 0 ? request.MaxConcurrentOrchestrationWorkItems : defaultConcurrency;

    private int ActivityLimit { get; } = request.MaxConcurrentActivityWorkItems > 0 ? request.MaxConcurrentActivityWorkItems : defaultConcurrency;

    /// <summary>One process's part of a limit, rounded up.</summary>
    public static int Share(int limit, int shares) => (limit + shares - 1) / shares;

    // Official workers that filter nothing send three empty lists. If one list has names, an empty one means none of its kind.
    private static WorkItemFilters? Filters(GetWorkItemsRequest request)
        => request.WorkItemFilters is { } filters && filters.Orchestrations.Count + filters.Activities.Count + filters.Entities.Count > 0 ? filters : null;

    /// <summary>What another process may send to this worker.</summary>
    public GetWorkItemsRequest RelayRequest()
    {
        var part = request.Clone();
        part.MaxConcurrentActivityWorkItems = Share(ActivityLimit, Shares);
        part.MaxConcurrentOrchestrationWorkItems = Share(TurnLimit, Shares);
        part.MaxConcurrentEntityWorkItems = Share(EntityLimit, Shares);
        return part;
    }

    /// <summary>Sends an item, if the worker has not gone.</summary>
    /// <param name="item">The item.</param>
    /// <param name="isRelayed">Whether another process sent it: then its payloads are in it already.</param>
    public void Send(WorkItem item, bool isRelayed = false) => _outgoing.Writer.TryWrite((item, isRelayed));

    public void Close()
    {
        IsClosed = true;
        _outgoing.Writer.TryComplete();
    }

    /// <summary>Reads the next item to send.</summary>
    public ChannelReader<(WorkItem Item, bool IsRelayed)> Outgoing => _outgoing.Reader;
}
