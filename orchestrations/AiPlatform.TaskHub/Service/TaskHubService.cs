using AiPlatform.DurableTask.Protobuf;
using AiPlatform.TaskHub.Engine;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace AiPlatform.TaskHub.Service;

/// <summary>
/// The Durable Task protocol over the engine. Calls not overridden here (entities, rewind) answer UNIMPLEMENTED.
/// Exceptions become status codes in <see cref="StatusInterceptor"/>.
/// </summary>
internal sealed partial class TaskHubService(EngineHost host, IOptions<TaskHubOptions> options, ILogger<TaskHubService> logger)
    : TaskHubSidecarService.TaskHubSidecarServiceBase
{
    private const int MaxIdLength = 1024;
    private const int MaxBatch = 500;

    private static readonly Empty Nothing = new();
    private static readonly CompleteTaskResponse Completed = new();

    public override Task<Empty> Hello(Empty request, ServerCallContext context)
    {
        _ = RequireEngine();
        return Task.FromResult(Nothing);
    }

    public override async Task<CreateInstanceResponse> StartInstance(CreateInstanceRequest request, ServerCallContext context)
    {
        RequireId(request.InstanceId);
        Require(request.Name, "name");
        var (engine, hub) = await HubAsync(context);
        await engine.StartAsync(hub, request).WaitAsync(context.CancellationToken);
        return new() { InstanceId = request.InstanceId };
    }

    public override async Task<GetInstanceResponse> GetInstance(GetInstanceRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        return Answer(await engine.GetAsync(hub, request.InstanceId, request.GetInputsAndOutputs, context.CancellationToken));
    }

    public override async Task<GetInstanceResponse> WaitForInstanceStart(GetInstanceRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        return Answer(await engine.WaitAsync(hub, request.InstanceId, untilEnd: false, request.GetInputsAndOutputs, context.CancellationToken));
    }

    public override async Task<GetInstanceResponse> WaitForInstanceCompletion(GetInstanceRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        return Answer(await engine.WaitAsync(hub, request.InstanceId, untilEnd: true, request.GetInputsAndOutputs, context.CancellationToken));
    }

    public override async Task<RaiseEventResponse> RaiseEvent(RaiseEventRequest request, ServerCallContext context)
    {
        Require(request.Name, "name");
        var (engine, hub) = await HubAsync(context);
        await engine.RaiseEventAsync(hub, request, context.CancellationToken);
        return new();
    }

    public override async Task<TerminateResponse> TerminateInstance(TerminateRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        await engine.TerminateAsync(hub, request.InstanceId, request.Output, request.Recursive, context.CancellationToken);
        return new();
    }

    public override async Task<SuspendResponse> SuspendInstance(SuspendRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        await engine.SuspendAsync(hub, request, context.CancellationToken);
        return new();
    }

    public override async Task<ResumeResponse> ResumeInstance(ResumeRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        await engine.ResumeAsync(hub, request, context.CancellationToken);
        return new();
    }

    public override async Task<RestartInstanceResponse> RestartInstance(RestartInstanceRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        var state = await engine.GetAsync(hub, request.InstanceId, payloads: true, context.CancellationToken)
            ?? throw new KeyNotFoundException($"There is no orchestration instance '{request.InstanceId}'.");
        if (!request.RestartWithNewInstanceId && state.CompletedTimestamp is null)
        {
            throw new InvalidOperationException($"The orchestration instance '{request.InstanceId}' has not ended.");
        }

        var start = new CreateInstanceRequest
        {
            InstanceId = request.RestartWithNewInstanceId ? Guid.CreateVersion7().ToString("N") : request.InstanceId,
            Name = state.Name,
            Version = state.Version,
            Input = state.Input,
            Tags = { state.Tags },
            OrchestrationIdReusePolicy = new()
            {
                ReplaceableStatus = { OrchestrationStatus.Completed, OrchestrationStatus.Failed, OrchestrationStatus.Terminated, OrchestrationStatus.Canceled },
            },
        };
        await engine.StartAsync(hub, start).WaitAsync(context.CancellationToken);
        return new() { InstanceId = start.InstanceId };
    }

    public override async Task<QueryInstancesResponse> QueryInstances(QueryInstancesRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        var query = request.Query ?? new InstanceQuery();
        var after = 0L;
        if (!string.IsNullOrEmpty(query.ContinuationToken) && !long.TryParse(query.ContinuationToken, out after))
        {
            throw new ArgumentException("The continuation token is not one of this hub's.", nameof(request));
        }

        var (page, next) = await engine.Reader.QueryAsync(hub.Id, query, after, context.CancellationToken);
        return new() { OrchestrationState = { page.Select(stored => stored.State) }, ContinuationToken = next?.ToString() };
    }

    public override async Task<ListInstanceIdsResponse> ListInstanceIds(ListInstanceIdsRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        (DateTime, long)? after = null;
        if (!string.IsNullOrEmpty(request.LastInstanceKey))
        {
            var parts = request.LastInstanceKey.Split(':');
            after = parts.Length == 2 && long.TryParse(parts[0], out var ticks) && long.TryParse(parts[1], out var key)
                ? (new DateTime(ticks, DateTimeKind.Utc), key)
                : throw new ArgumentException("The last instance key is not one of this hub's.", nameof(request));
        }

        var (ids, last) = await engine.Reader.ListIdsAsync(hub.Id, request, after, context.CancellationToken);
        return new() { InstanceIds = { ids }, LastInstanceKey = last };
    }

    public override async Task<PurgeInstancesResponse> PurgeInstances(PurgeInstancesRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        switch (request.RequestCase)
        {
            case PurgeInstancesRequest.RequestOneofCase.InstanceId:
                var one = await engine.PurgeAsync(hub, [request.InstanceId], request.Recursive, context.CancellationToken);
                return new() { DeletedInstanceCount = one, IsComplete = true };
            case PurgeInstancesRequest.RequestOneofCase.InstanceBatch:
                RequireBatch(request.InstanceBatch);
                var some = await engine.PurgeAsync(hub, request.InstanceBatch.InstanceIds, request.Recursive, context.CancellationToken);
                return new() { DeletedInstanceCount = some, IsComplete = true };
            case PurgeInstancesRequest.RequestOneofCase.PurgeInstanceFilter:
                var (count, complete) = await engine.PurgeAsync(hub, request.PurgeInstanceFilter, request.Recursive, context.CancellationToken);
                return new() { DeletedInstanceCount = count, IsComplete = complete };
            default:
                throw new ArgumentException("Say what to purge: an instance id, a batch of ids, or a filter.", nameof(request));
        }
    }

    public override async Task<SkipGracefulOrchestrationTerminationsResponse> SkipGracefulOrchestrationTerminations(
        SkipGracefulOrchestrationTerminationsRequest request, ServerCallContext context)
    {
        RequireBatch(request.InstanceBatch);
        var (engine, hub) = await HubAsync(context);
        var response = new SkipGracefulOrchestrationTerminationsResponse();
        foreach (var id in request.InstanceBatch.InstanceIds)
        {
            var state = await engine.GetAsync(hub, id, payloads: false, context.CancellationToken);
            if (state is null || state.CompletedTimestamp is not null)
            {
                response.UnterminatedInstanceIds.Add(id);
            }
            else
            {
                await engine.TerminateAsync(hub, id, request.Reason, recurse: false, context.CancellationToken);
            }
        }

        return response;
    }

    public override async Task<CreateTaskHubResponse> CreateTaskHub(CreateTaskHubRequest request, ServerCallContext context)
    {
        if (request.RecreateIfExists)
        {
            throw new NotSupportedException("This hub does not recreate task hubs.");
        }

        await HubAsync(context);
        return new();
    }

    private static GetInstanceResponse Answer(OrchestrationState? state) => new() { Exists = state is not null, OrchestrationState = state };

    private static void Require(string value, string field)
    {
        if (string.IsNullOrEmpty(value))
        {
            throw new ArgumentException($"The field '{field}' is required.", field);
        }
    }

    private static void RequireId(string id)
    {
        Require(id, "instanceId");
        if (id.Length > MaxIdLength || id.Any(char.IsControl))
        {
            throw new ArgumentException($"An instance id has at most {MaxIdLength} characters and no control characters.", nameof(id));
        }
    }

    private static void RequireBatch(InstanceBatch? batch)
    {
        if (batch is null || batch.InstanceIds.Count is 0 or > MaxBatch)
        {
            throw new ArgumentException($"A batch has 1 to {MaxBatch} instance ids.", nameof(batch));
        }
    }

    private HubEngine RequireEngine() => host.Engine ?? throw new NotOwnerException();

    private async Task<(HubEngine Engine, HubState Hub)> HubAsync(ServerCallContext context)
    {
        var engine = RequireEngine();
        var name = context.RequestHeaders.GetValue("taskhub");
        return (engine, await engine.HubAsync(string.IsNullOrEmpty(name) ? options.Value.DefaultHub : name, context.CancellationToken));
    }
}
