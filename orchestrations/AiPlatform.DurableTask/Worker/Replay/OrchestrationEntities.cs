using System.Diagnostics.CodeAnalysis;
using AiPlatform.DurableTask.Entities;
using Google.Protobuf.WellKnownTypes;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>Entities of one running orchestrator: its open calls and its critical section.</summary>
internal sealed class OrchestrationEntities(OrchestrationContext context, DataConverter converter) : TaskOrchestrationEntityFeature
{
    private readonly Dictionary<string, (EntityInstanceId Id, string Operation, OpenTask Task)> _calls = new(StringComparer.Ordinal);
    private CriticalSection? _section;

    /// <summary>Whether an answer or a lock is waited for.</summary>
    public bool IsAwaiting => _calls.Count > 0 || _section is { IsGranted: false };

    /// <inheritdoc />
    public override Task<TResult> CallEntityAsync<TResult>(EntityInstanceId id, string operationName, object? input = null, CallEntityOptions? options = null)
    {
        Require(id, operationName);
        _section?.Use(id.ToString());
        var requestId = context.NewGuid().ToString();
        var actionId = Send(new()
        {
            EntityOperationCalled = new()
            {
                RequestId = requestId,
                Operation = operationName,
                Input = converter.Serialize(input),
                ParentInstanceId = context.InstanceId,
                ParentExecutionId = context.ExecutionId,
                TargetInstanceId = id.ToString(),
            },
        });
        var task = new OpenTask<TResult>(operationName, actionId, converter);
        _calls[requestId] = (id, operationName, task);
        return task.Task;
    }

    /// <inheritdoc />
    public override Task CallEntityAsync(EntityInstanceId id, string operationName, object? input = null, CallEntityOptions? options = null)
        => CallEntityAsync<object?>(id, operationName, input, options);

    /// <inheritdoc />
    public override Task SignalEntityAsync(EntityInstanceId id, string operationName, object? input = null, SignalEntityOptions? options = null)
    {
        Require(id, operationName);
        if (_section?.Locks(id.ToString()) == true)
        {
            throw new InvalidOperationException($"The entity '{id}' is locked by this orchestration and cannot be signalled from its critical section: call it.");
        }

        Send(new()
        {
            EntityOperationSignaled = new()
            {
                RequestId = context.NewGuid().ToString(),
                Operation = operationName,
                Input = converter.Serialize(input),
                ScheduledTime = options?.SignalTime?.ToTimestamp(),
                TargetInstanceId = id.ToString(),
            },
        });
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public override async Task<IAsyncDisposable> LockEntitiesAsync(IEnumerable<EntityInstanceId> entityIds)
    {
        // One order for all orchestrations, whatever their language: that of the addresses' UTF-16 code units.
        string[] lockSet = [.. entityIds.Select(id => id.ToString()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        if (lockSet.Length == 0)
        {
            throw new ArgumentException("A critical section needs at least one entity.", nameof(entityIds));
        }

        if (_section is not null)
        {
            throw new InvalidOperationException("The orchestrator is in a critical section already.");
        }

        var section = _section = new(context.NewGuid().ToString(), lockSet, new(string.Empty, 0, converter));
        Send(new() { EntityLockRequested = new() { CriticalSectionId = section.Id, LockSet = { lockSet }, Position = 0, ParentInstanceId = context.InstanceId } });
        await section.Granted.Task;
        return new Releaser(this, section);
    }

    /// <inheritdoc />
    public override bool InCriticalSection([NotNullWhen(true)] out IReadOnlyList<EntityInstanceId>? entityIds)
    {
        entityIds = _section is { IsGranted: true } section ? [.. section.Available.Order(StringComparer.Ordinal).Select(EntityInstanceId.FromString)] : null;
        return entityIds is not null;
    }

    /// <summary>An answer came.</summary>
    public void Complete(string requestId, string? output) => Answer(requestId)?.Task.Complete(output);

    /// <summary>An operation failed.</summary>
    public void Fail(string requestId, TaskFailureDetails details)
    {
        if (Answer(requestId) is { } call)
        {
            call.Task.Fail(new EntityOperationFailedException(call.Id, call.Operation, details));
        }
    }

    /// <summary>All locks of the section are held.</summary>
    public void Grant(string criticalSectionId)
    {
        if (_section is { IsGranted: false } section && section.Id == criticalSectionId)
        {
            section.IsGranted = true;
            section.Available.UnionWith(section.LockSet);
            section.Granted.Complete(null);
        }
    }

    /// <summary>Unlocks everything; nothing outside a critical section.</summary>
    public void ExitCriticalSection()
    {
        if (_section is not { } section)
        {
            return;
        }

        _section = null;
        foreach (var entity in section.LockSet)
        {
            Send(new() { EntityUnlockSent = new() { CriticalSectionId = section.Id, TargetInstanceId = entity, ParentInstanceId = context.InstanceId } });
        }
    }

    private static void Require(EntityInstanceId id, string operationName)
    {
        if (id == default)
        {
            throw new ArgumentException("The entity's address is empty.", nameof(id));
        }

        ArgumentException.ThrowIfNullOrEmpty(operationName);
    }

    private int Send(P.SendEntityMessageAction message)
    {
        var id = context.NextId();
        context.Actions[id] = new() { Id = id, SendEntityMessage = message };
        return id;
    }

    private (EntityInstanceId Id, string Operation, OpenTask Task)? Answer(string requestId)
    {
        if (!_calls.Remove(requestId, out var call))
        {
            return null;
        }

        _section?.Free(call.Id.ToString());
        return call;
    }

    private sealed record CriticalSection(string Id, string[] LockSet, OpenTask<object?> Granted)
    {
        public bool IsGranted { get; set; }

        /// <summary>Locked entities that no call is under way to.</summary>
        public HashSet<string> Available { get; } = new(StringComparer.Ordinal);

        public bool Locks(string entity) => LockSet.Contains(entity, StringComparer.Ordinal);

        public void Use(string entity)
        {
            if (!IsGranted)
            {
                throw new InvalidOperationException("The locks are not granted yet: await LockEntitiesAsync before calling an entity.");
            }

            if (!Available.Remove(entity))
            {
                throw new InvalidOperationException(Locks(entity)
                    ? $"A call to the entity '{entity}' is under way; await it first."
                    : $"The entity '{entity}' is not one of those locked by this critical section.");
            }
        }

        public void Free(string entity)
        {
            if (IsGranted && Locks(entity))
            {
                Available.Add(entity);
            }
        }
    }

    private sealed class Releaser(OrchestrationEntities entities, CriticalSection section) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            if (ReferenceEquals(entities._section, section))
            {
                entities.ExitCriticalSection();
            }

            return ValueTask.CompletedTask;
        }
    }
}
