using System.Security.Cryptography;
using System.Text;
using AiPlatform.DurableTask.Entities;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>The context of a running orchestrator: turns its calls into actions with ids in the order of the calls.</summary>
internal sealed class OrchestrationContext(string instanceId, DataConverter converter, ILoggerFactory loggerFactory, string defaultVersion) : TaskOrchestrationContext
{
    private readonly Dictionary<int, OpenTask> _open = [];
    private readonly SortedDictionary<int, P.OrchestratorAction> _actions = [];
    private TaskName _name;
    private string _version = string.Empty;
    private P.ExecutionStartedEvent? _started;
    private P.TraceContext? _trace;
    private OrchestrationEntities? _entities;
    private string? _input;
    private ParentOrchestrationInstance? _parent;
    private DateTime _now;
    private bool _isReplaying;
    private int _nextId;
    private int _guids;

    public override TaskName Name => _name;

    public override string InstanceId => instanceId;

    public override ParentOrchestrationInstance? Parent => _parent;

    public override DateTime CurrentUtcDateTime => _now;

    public override bool IsReplaying => _isReplaying;

    public override string Version => _version;

    /// <inheritdoc />
    public override TaskOrchestrationEntityFeature Entities => EntityCalls;

    /// <summary>Calls and locks of entities.</summary>
    public OrchestrationEntities EntityCalls => _entities ??= new(this, converter);

    /// <summary>Unlocks what a critical section locked.</summary>
    public void ExitCriticalSection() => _entities?.ExitCriticalSection();

    /// <summary>The id of this execution; null before it has begun.</summary>
    public string? ExecutionId => _started?.OrchestrationInstance?.ExecutionId;

    /// <summary>Whether something durable will go on with the orchestrator.</summary>
    public bool IsAwaiting => _open.Count > 0 || Events.IsAwaited || _entities is { IsAwaiting: true };

    /// <summary>Events from outside.</summary>
    public ExternalEvents Events { get; } = new(converter);

    /// <summary>Actions that the history does not confirm (yet), by id.</summary>
    public SortedDictionary<int, P.OrchestratorAction> Actions => _actions;

    /// <summary>Calls without an answer.</summary>
    public Dictionary<int, OpenTask> Open => _open;

    /// <summary>The custom status as text; null when it was not set.</summary>
    public string? CustomStatus { get; private set; }

    /// <summary>Set when the orchestrator asked to continue as new.</summary>
    public (string? Input, bool PreserveEvents, string? Version)? Continuation { get; private set; }

    protected override ILoggerFactory LoggerFactory => loggerFactory;

    public void Begin(P.ExecutionStartedEvent started)
    {
        _started = started;
        _trace = DurableTaskTracing.OfExecution(started, instanceId);
        _name = started.Name;
        _version = started.Version ?? string.Empty;
        _input = started.Input;
        _parent = started.ParentInstance is { } parent ? new(parent.Name ?? string.Empty, parent.OrchestrationInstance.InstanceId) : null;
    }

    public void BeginTurn(DateTime now) => _now = now;

    public void SetReplaying(bool value) => _isReplaying = value;

    public int NextId() => _nextId++;

    public object? GetInput(System.Type type) => _input is null && type.IsValueType ? Activator.CreateInstance(type) : converter.Deserialize(_input, type);

    public override T? GetInput<T>()
        where T : default => converter.Deserialize<T>(_input);

    public override Task<TResult> CallActivityAsync<TResult>(TaskName name, object? input = null, TaskOptions? options = null)
        => WithRetriesAsync(name, options?.Retry, () => ScheduleActivity<TResult>(name, input, options));

    public override Task<TResult> CallSubOrchestratorAsync<TResult>(TaskName orchestratorName, object? input = null, TaskOptions? options = null)
        => WithRetriesAsync(orchestratorName, options?.Retry, () => ScheduleSubOrchestration<TResult>(orchestratorName, input, options));

    public override Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        var utc = fireAt.Kind == DateTimeKind.Local ? fireAt.ToUniversalTime() : System.DateTime.SpecifyKind(fireAt, DateTimeKind.Utc);
        var id = NextId();
        var task = new OpenTask<object?>("timer", id, converter);
        _open[id] = task;
        _actions[id] = new() { Id = id, CreateTimer = new() { FireAt = Timestamp.FromDateTime(utc) } };
        if (cancellationToken.CanBeCanceled)
        {
            cancellationToken.Register(() =>
            {
                // The timer itself goes on in the hub; its end finds nobody.
                _open.Remove(id);
                task.Cancel(cancellationToken);
            });
        }

        return task.Task;
    }

    public override Task<T> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        return Events.WaitAsync<T>(eventName, cancellationToken);
    }

    public override void SendEvent(string instanceId, string eventName, object payload)
    {
        ArgumentException.ThrowIfNullOrEmpty(instanceId);
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        var id = NextId();
        _actions[id] = new() { Id = id, SendEvent = new() { Instance = new() { InstanceId = instanceId }, Name = eventName, Data = converter.Serialize(payload) } };
    }

    public override void SetCustomStatus(object? customStatus) => CustomStatus = converter.Serialize(customStatus) ?? string.Empty;

    public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true)
        => Continuation = (converter.Serialize(newInput), preserveUnprocessedEvents, null);

    public override void ContinueAsNew(ContinueAsNewOptions options, object? newInput = null, bool preserveUnprocessedEvents = true)
        => Continuation = (converter.Serialize(newInput), preserveUnprocessedEvents, options.NewVersion);

    public override Guid NewGuid()
    {
        var seed = Encoding.UTF8.GetBytes($"{InstanceId}|{_now.Ticks}|{_guids++}");
        var bytes = SHA256.HashData(seed).AsSpan(0, 16);

        // RFC 9562 version 8: made from a hash of our own choice.
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    private OpenTask<TResult> Opened<TResult>(TaskName name, out int id)
    {
        ArgumentException.ThrowIfNullOrEmpty(name.Name, nameof(name));
        id = NextId();
        var task = new OpenTask<TResult>(name.Name, id, converter);
        _open[id] = task;
        return task;
    }

    private Task<TResult> ScheduleActivity<TResult>(TaskName name, object? input, TaskOptions? options)
    {
        var data = converter.Serialize(input);
        var task = Opened<TResult>(name, out var id);
        var version = (options as ActivityOptions)?.Version ?? (_version.Length > 0 ? _version : null);
        var action = new P.ScheduleTaskAction { Name = name.Name, Input = data, Version = version, ParentTraceContext = _trace };
        action.Tags.Add(options?.Tags ?? new Dictionary<string, string>(StringComparer.Ordinal));
        _actions[id] = new() { Id = id, ScheduleTask = action };
        return task.Task;
    }

    private Task<TResult> ScheduleSubOrchestration<TResult>(TaskName name, object? input, TaskOptions? options)
    {
        var data = converter.Serialize(input);
        var sub = options as SubOrchestrationOptions;
        var newId = sub?.InstanceId ?? NewGuid().ToString("N");
        var task = Opened<TResult>(name, out var id);
        var version = sub?.Version ?? (defaultVersion.Length > 0 ? defaultVersion : null);
        var action = new P.CreateSubOrchestrationAction { InstanceId = newId, Name = name.Name, Input = data, Version = version, ParentTraceContext = _trace };
        action.Tags.Add(options?.Tags ?? new Dictionary<string, string>(StringComparer.Ordinal));
        _actions[id] = new() { Id = id, CreateSubOrchestration = action };
        return task.Task;
    }

    private async Task<TResult> WithRetriesAsync<TResult>(TaskName name, TaskRetryOptions? retry, Func<Task<TResult>> call)
    {
        var started = _now;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call();
            }
            catch (TaskFailedException exception) when (retry is not null && !exception.FailureDetails.IsNonRetriable)
            {
                if (retry.Policy is { } policy)
                {
                    var delay = policy.DelayAfter(attempt);
                    var late = policy.RetryTimeout != Timeout.InfiniteTimeSpan && _now + delay > started + policy.RetryTimeout;
                    if (attempt >= policy.MaxNumberOfAttempts || late || policy.HandleFailure?.Invoke(exception.FailureDetails) == false)
                    {
                        throw;
                    }

                    Retrying(name, attempt, exception);
                    await CreateTimer(delay, CancellationToken.None);
                }
                else
                {
                    var context = new RetryContext(this, attempt, exception.FailureDetails, _now - started, CancellationToken.None);
                    if (!await retry.Handler!(context))
                    {
                        throw;
                    }

                    Retrying(name, attempt, exception);
                }
            }
        }
    }

    private void Retrying(TaskName name, int attempt, TaskFailedException exception)
        => Logs.Retrying(CreateReplaySafeLogger<TaskOrchestrationContext>(), instanceId, name.Name, attempt, exception.FailureDetails.ErrorType);
}
