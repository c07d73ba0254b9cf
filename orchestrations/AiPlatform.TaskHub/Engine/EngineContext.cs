using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// What all parts of the engine stand on: the one lock that guards everything in memory, the clock, the deadlines, and the way to
/// durability. Decisions are made under the lock and handed to the writer; what follows from them happens when they are durable.
/// </summary>
internal sealed class EngineContext : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopped = new();
    private readonly TaskCompletionSource<Exception> _faulted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HubOwner _owner;
    private readonly CommitWriter _writer;
    private long _lastKey;
    private long _lastNonce;

    /// <summary>Takes the right to write.</summary>
    public EngineContext(HubOwner owner, HubReader reader, TaskHubOptions options, TimeProvider time, ILogger logger)
    {
        _owner = owner;
        Reader = reader;
        Options = options;
        Time = time;
        Logger = logger;
        Stopped = _stopped.Token;

        // No token and no key of another owner, earlier or beside us, equals one of ours.
        _lastNonce = owner.Epoch << 32;
        _lastKey = owner.Epoch << 32;
        Deadlines = new DeadlineQueue(time, Gate, () => Pump());
        _writer = new CommitWriter(owner, Gate, () => Pump(), exception => _faulted.TrySetResult(exception), logger);
    }

    /// <summary>Guards the state in memory of all parts.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Reads what is durable.</summary>
    public HubReader Reader { get; }

    public TaskHubOptions Options { get; }

    public TimeProvider Time { get; }

    public ILogger Logger { get; }

    /// <summary>What happens by time alone.</summary>
    public DeadlineQueue Deadlines { get; }

    /// <summary>Completions that may be repeated.</summary>
    public RecentCompletions Recent { get; } = new();

    /// <summary>The live instances of all hubs, by key.</summary>
    public Dictionary<long, LiveInstance> ByKey { get; } = [];

    /// <summary>The task hubs that are known, by name.</summary>
    public Dictionary<string, HubState> Hubs { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Gives waiting work to workers; called under the lock after deadlines ran or decisions became durable.</summary>
    public Action Pump { get; set; } = static () => { };

    /// <summary>Ends when this process can no longer act as owner; the reason is its result.</summary>
    public Task<Exception> Faulted => _faulted.Task;

    /// <summary>Is cancelled when the engine stops.</summary>
    public CancellationToken Stopped { get; }

    public DateTime Now => Time.GetUtcNow().UtcDateTime;

    /// <summary>Ends the long calls, so that a stopping server need not wait for them; others are still served.</summary>
    public void Drain() => _stopped.Cancel();

    /// <summary>Writes what has been decided, and gives ownership back.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopped.CancelAsync();
        var written = _writer.DisposeAsync().AsTask();
        if (await Task.WhenAny(written, Task.Delay(Options.ShutdownGrace, CancellationToken.None)) != written)
        {
            _writer.Abort();
        }

        await written;
        await _owner.DisposeAsync();
        _stopped.Dispose();
    }

    /// <summary>A key for a new instance. Called under the lock.</summary>
    public long NextKey() => ++_lastKey;

    /// <summary>A number that no other token or message has. Called under the lock.</summary>
    public long NextNonce() => ++_lastNonce;

    /// <summary>An event of now.</summary>
    public HistoryEvent NewEvent(Action<HistoryEvent> fill)
    {
        var item = new HistoryEvent { EventId = -1, Timestamp = Timestamp.FromDateTime(Now) };
        fill(item);
        return item;
    }

    /// <summary>Hands a decision to the writer. Called under the lock.</summary>
    public Task Write(Commit commit, params ReadOnlySpan<LiveInstance> changed)
    {
        var task = _writer.AddAsync(commit);
        foreach (var instance in changed)
        {
            instance.LastCommit = task;
        }

        return task;
    }

    /// <summary>Does something with the writer's connection when everything decided before is durable.</summary>
    public Task ControlAsync(Func<HubOwner, CancellationToken, Task> control)
    {
        lock (Gate)
        {
            return Write(new Commit { Control = control });
        }
    }
}
