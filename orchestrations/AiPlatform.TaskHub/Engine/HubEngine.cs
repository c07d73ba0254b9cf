using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// The hub while this process owns it. Decisions are made in memory under one lock (<see cref="EngineContext"/>) and handed to the
/// writer; what follows from them (dispatch, answers) happens when they are durable. Nothing here polls, and nothing hot reads the
/// database. This class only puts the parts together.
/// </summary>
internal sealed class HubEngine : IAsyncDisposable
{
    private readonly EngineContext _context;

    /// <summary>Takes the right to write and the shared parts.</summary>
    public HubEngine(HubOwner owner, HubReader reader, TaskHubOptions options, TimeProvider time, ILogger logger)
    {
        _context = new EngineContext(owner, reader, options, time, logger);
        Partitions = new OwnedPartitions(_context);

        // Memory: instances and entities, and the messages between them.
        var router = new MessageRouter(_context, Partitions);
        var parking = new Parking(_context);
        var turns = new TurnDelivery(_context, parking);
        var activities = new ActivityDelivery(_context, parking);
        var instances = new Instances(_context, turns);
        var endings = new Endings(_context, instances, router);
        var entities = new Entities(_context, router);
        var batches = new BatchDelivery(_context, parking, entities);
        router.Connect(new InstanceInbox(_context, instances, endings, router), entities);

        // What this process owns of it.
        Hubs = new HubCatalog(_context, instances, entities);
        Survivors = new Survivors(_context, activities);
        Messages = new ForeignMessages(_context, Partitions, Hubs, router);
        Loader = new PartitionLoader(_context, Partitions, Hubs, instances, entities, turns, activities, Survivors, Messages);

        // Workers and their answers.
        Workers = new Workers(_context, turns, activities, batches, Survivors);
        Rewinding = new Rewinding(_context, Partitions, activities, instances);
        Turns = new TurnCompletions(_context, turns, activities, instances, endings, router, Rewinding, Workers);
        Activities = new ActivityCompletions(_context, activities, instances, Workers);
        Batches = new EntityCompletions(_context, entities, batches, router, Workers);

        // Clients and their questions.
        Starts = new InstanceStarts(_context, Partitions, instances, endings);
        Commands = new InstanceCommands(_context, Partitions, instances, endings);
        Reads = new InstanceReads(_context, Partitions);
        Purging = new Purging(_context);
        Entities = new EntityRequests(_context, Partitions, router);
        Parked = new ParkedWork(_context, Partitions, activities, entities);
        Stuck = new StuckInstances(_context);
    }

    public OwnedPartitions Partitions { get; }

    public PartitionLoader Loader { get; }

    public ForeignMessages Messages { get; }

    public HubCatalog Hubs { get; }

    public Workers Workers { get; }

    public Survivors Survivors { get; }

    public TurnCompletions Turns { get; }

    public ActivityCompletions Activities { get; }

    public EntityCompletions Batches { get; }

    public InstanceStarts Starts { get; }

    public InstanceCommands Commands { get; }

    public InstanceReads Reads { get; }

    public Purging Purging { get; }

    public Rewinding Rewinding { get; }

    public EntityRequests Entities { get; }

    public ParkedWork Parked { get; }

    public StuckInstances Stuck { get; }

    /// <summary>Reads what is durable.</summary>
    public HubReader Reader => _context.Reader;

    /// <summary>Ends when this process can no longer act as owner; the reason is its result.</summary>
    public Task<Exception> Faulted => _context.Faulted;

    /// <summary>Is cancelled when the engine stops.</summary>
    public CancellationToken Stopped => _context.Stopped;

    /// <summary>Ends the long calls, so that a stopping server need not wait for them; others are still served.</summary>
    public void Drain() => _context.Drain();

    /// <summary>Closes the workers' streams, writes what has been decided, and gives ownership back.</summary>
    public async ValueTask DisposeAsync()
    {
        Workers.CloseAll();
        await _context.DisposeAsync();
        lock (_context.Gate)
        {
            Partitions.Dispose();
            Messages.Dispose();
        }
    }

    /// <summary>Gives back an item that could not be sent.</summary>
    /// <exception cref="StaleTokenException">It was taken back already.</exception>
    public void Abandon(WorkItem item)
    {
        switch (item.RequestCase)
        {
            case WorkItem.RequestOneofCase.ActivityRequest:
                Activities.Abandon(item.CompletionToken);
                break;
            case WorkItem.RequestOneofCase.OrchestratorRequest:
                Turns.Abandon(item.CompletionToken);
                break;
            case WorkItem.RequestOneofCase.EntityRequest or WorkItem.RequestOneofCase.EntityRequestV2:
                Batches.Abandon(item.CompletionToken);
                break;
            default:
                break;
        }
    }

    /// <summary>Those of the given blobs that no row names, asked when everything decided before is durable.</summary>
    public async Task<IReadOnlyList<string>> UnnamedPayloadsAsync(string[] blobs, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> unnamed = [];
        await _context.ControlAsync(async (owner, token) => unnamed = await owner.UnnamedPayloadsAsync(blobs, token)).WaitAsync(cancellationToken);
        return unnamed;
    }

    /// <summary>Sets the gauges.</summary>
    public void Observe()
    {
        lock (_context.Gate)
        {
            Metrics.OwnedPartitions.Set(Partitions.Owned.Length);
            foreach (var hub in _context.Hubs.Values)
            {
                Metrics.LiveInstances.WithLabels(hub.Name).Set(hub.Instances.Count);
                Metrics.WaitingTurns.WithLabels(hub.Name).Set(hub.Turns.Count);
                Metrics.WaitingActivities.WithLabels(hub.Name).Set(hub.Activities.Count);
                Metrics.OldestTurn.WithLabels(hub.Name).Set(hub.Turns.Age.TotalSeconds);
                Metrics.OldestActivity.WithLabels(hub.Name).Set(hub.Activities.Age.TotalSeconds);
                Metrics.ParkedItems.WithLabels(hub.Name).Set(hub.Parked.Count);
                Metrics.WaitingEntities.WithLabels(hub.Name).Set(hub.Batches.Count);
                Metrics.Workers.WithLabels(hub.Name).Set(hub.Workers.Count);
            }
        }
    }
}
