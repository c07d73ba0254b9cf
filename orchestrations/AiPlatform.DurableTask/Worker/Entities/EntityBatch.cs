using AiPlatform.DurableTask.Entities;
using Google.Protobuf.WellKnownTypes;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker.Entities;

/// <summary>
/// Runs operations on one entity, one after the other. Each is a transaction of its own: when it throws, its changes of the state
/// and its messages are dropped and the next goes on from before.
/// </summary>
internal sealed class EntityBatch(EntityInstanceId id, string? state, DataConverter converter, TimeProvider time)
{
    private readonly State _state = new(state, converter);
    private readonly Context _context = new(id, converter, time);

    /// <summary>Runs them all.</summary>
    public async Task<P.EntityBatchResult> RunAsync(ITaskEntity entity, IEnumerable<P.OperationRequest> operations)
    {
        var result = new P.EntityBatchResult();
        foreach (var operation in operations)
        {
            result.Results.Add(await RunAsync(entity, operation));
        }

        result.EntityState = _state.Text;
        result.Actions.AddRange(_context.Actions);
        return result;
    }

    private async Task<P.OperationResult> RunAsync(ITaskEntity entity, P.OperationRequest request)
    {
        var started = time.GetUtcNow().ToTimestamp();
        var before = _state.Text;
        var messages = _context.Actions.Count;
        try
        {
            var answer = converter.Serialize(await entity.RunAsync(new Operation(request, _context, _state, converter)));
            return new() { Success = new() { Result = answer, StartTimeUtc = started, EndTimeUtc = time.GetUtcNow().ToTimestamp() } };
        }
        catch (Exception exception)
        {
            _state.Restore(before);
            _context.Actions.RemoveRange(messages, _context.Actions.Count - messages);
            var details = TaskFailureDetails.FromException(exception).ToProto();
            return new() { Failure = new() { FailureDetails = details, StartTimeUtc = started, EndTimeUtc = time.GetUtcNow().ToTimestamp() } };
        }
    }

    private sealed class State(string? text, DataConverter converter) : TaskEntityState
    {
        public string? Text { get; private set; } = text;

        public override bool HasState => Text is not null;

        public override object? GetState(System.Type type) => converter.Deserialize(Text, type);

        public override void SetState(object? state) => Text = converter.Serialize(state);

        public void Restore(string? before) => Text = before;
    }

    private sealed class Operation(P.OperationRequest request, Context context, State state, DataConverter converter) : TaskEntityOperation
    {
        public override string Name => request.Operation;

        public override TaskEntityContext Context => context;

        public override TaskEntityState State => state;

        public override bool HasInput => request.Input is not null;

        public override object? GetInput(System.Type inputType) => converter.Deserialize(request.Input, inputType);
    }

    private sealed class Context(EntityInstanceId id, DataConverter converter, TimeProvider time) : TaskEntityContext
    {
        public override EntityInstanceId Id => id;

        public List<P.OperationAction> Actions { get; } = [];

        public override void SignalEntity(EntityInstanceId id, string operationName, object? input = null, SignalEntityOptions? options = null)
        {
            ArgumentException.ThrowIfNullOrEmpty(operationName);
            Actions.Add(new()
            {
                Id = Actions.Count,
                SendSignal = new()
                {
                    InstanceId = id.ToString(),
                    Name = operationName,
                    Input = converter.Serialize(input),
                    ScheduledTime = options?.SignalTime?.ToTimestamp(),
                    RequestTime = time.GetUtcNow().ToTimestamp(),
                },
            });
        }

        public override string ScheduleNewOrchestration(TaskName name, object? input = null, StartOrchestrationOptions? options = null)
        {
            ArgumentException.ThrowIfNullOrEmpty(name.Name, nameof(name));
            var instanceId = options?.InstanceId ?? Guid.CreateVersion7().ToString("N");
            Actions.Add(new()
            {
                Id = Actions.Count,
                StartNewOrchestration = new()
                {
                    InstanceId = instanceId,
                    Name = name.Name,
                    Version = options?.Version,
                    Input = converter.Serialize(input),
                    ScheduledTime = options?.StartAt?.ToTimestamp(),
                    RequestTime = time.GetUtcNow().ToTimestamp(),
                },
            });
            return instanceId;
        }
    }
}
