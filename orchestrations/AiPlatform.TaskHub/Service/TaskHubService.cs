using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Engine;
using AiPlatform.TaskHub.Payloads;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace AiPlatform.TaskHub.Service;

/// <summary>
/// The Durable Task protocol over the engine.
/// Exceptions become status codes in <see cref="CallStatus"/>.
/// </summary>
internal sealed partial class TaskHubService(EngineHost host, Peers peers, PayloadCarrier payloads, IOptions<TaskHubOptions> options, ILogger<TaskHubService> logger)
    : TaskHubSidecarService.TaskHubSidecarServiceBase
{
    private const int MaxBatch = 500;
    private const int MaxPageBytes = 16 * 1024 * 1024;

    private static readonly Empty Nothing = new();
    private static readonly CompleteTaskResponse Completed = new();

    public override Task<Empty> Hello(Empty request, ServerCallContext context)
    {
        var engine = RequireEngine();
        if (IsForwarded(context))
        {
            // Another process has written messages for us.
            engine.Messages.Ring();
        }

        return Task.FromResult(Nothing);
    }

    public override Task<CreateInstanceResponse> StartInstance(CreateInstanceRequest request, ServerCallContext context)
    {
        RequireId(request.InstanceId);
        Require(request.Name, "name");
        RequireTime(request.ScheduledStartTimestamp);
        return RouteAsync(request.InstanceId, context, (owner, call) => owner.StartInstanceAsync(request, call), async (engine, hub) =>
        {
            request.Input = await payloads.TakeAsync(Partition.Of(request.InstanceId), request.Input, context.CancellationToken);
            await engine.Starts.StartAsync(hub, request).WaitAsync(context.CancellationToken);
            return new CreateInstanceResponse { InstanceId = request.InstanceId };
        });
    }

    public override Task<GetInstanceResponse> GetInstance(GetInstanceRequest request, ServerCallContext context)
        => RouteAsync(request.InstanceId, context, (owner, call) => owner.GetInstanceAsync(request, call), async (engine, hub)
            => await AnswerAsync(await engine.Reads.GetAsync(hub, request.InstanceId, request.GetInputsAndOutputs, context.CancellationToken), context));

    public override Task<GetInstanceResponse> WaitForInstanceStart(GetInstanceRequest request, ServerCallContext context)
        => RouteAsync(request.InstanceId, context, (owner, call) => owner.WaitForInstanceStartAsync(request, call), async (engine, hub)
            => await AnswerAsync(await engine.Reads.WaitAsync(hub, request.InstanceId, untilEnd: false, request.GetInputsAndOutputs, context.CancellationToken), context));

    public override Task<GetInstanceResponse> WaitForInstanceCompletion(GetInstanceRequest request, ServerCallContext context)
        => RouteAsync(request.InstanceId, context, (owner, call) => owner.WaitForInstanceCompletionAsync(request, call), async (engine, hub)
            => await AnswerAsync(await engine.Reads.WaitAsync(hub, request.InstanceId, untilEnd: true, request.GetInputsAndOutputs, context.CancellationToken), context));

    public override Task<RaiseEventResponse> RaiseEvent(RaiseEventRequest request, ServerCallContext context)
    {
        Require(request.Name, "name");
        return RouteAsync(request.InstanceId, context, (owner, call) => owner.RaiseEventAsync(request, call), async (engine, hub) =>
        {
            request.Input = await payloads.TakeAsync(Partition.Of(request.InstanceId), request.Input, context.CancellationToken);
            await engine.Commands.RaiseEventAsync(hub, request, context.CancellationToken);
            return new RaiseEventResponse();
        });
    }

    public override Task<TerminateResponse> TerminateInstance(TerminateRequest request, ServerCallContext context)
        => RouteAsync(request.InstanceId, context, (owner, call) => owner.TerminateInstanceAsync(request, call), async (engine, hub) =>
        {
            var output = await payloads.TakeAsync(Partition.Of(request.InstanceId), request.Output, context.CancellationToken);
            await engine.Commands.TerminateAsync(hub, request.InstanceId, output, request.Recursive, context.CancellationToken);
            return new TerminateResponse();
        });

    public override Task<SuspendResponse> SuspendInstance(SuspendRequest request, ServerCallContext context)
        => RouteAsync(request.InstanceId, context, (owner, call) => owner.SuspendInstanceAsync(request, call), async (engine, hub) =>
        {
            await engine.Commands.SuspendAsync(hub, request, context.CancellationToken);
            return new SuspendResponse();
        });

    public override Task<ResumeResponse> ResumeInstance(ResumeRequest request, ServerCallContext context)
        => RouteAsync(request.InstanceId, context, (owner, call) => owner.ResumeInstanceAsync(request, call), async (engine, hub) =>
        {
            await engine.Parked.UnparkAsync(hub, request.InstanceId).WaitAsync(context.CancellationToken);
            if (EntityName.TryNormalize(request.InstanceId, out _))
            {
                return new ResumeResponse();
            }

            await engine.Commands.ResumeAsync(hub, request, context.CancellationToken);
            return new ResumeResponse();
        });

    public override async Task<RewindInstanceResponse> RewindInstance(RewindInstanceRequest request, ServerCallContext context)
    {
        var response = await RouteAsync(request.InstanceId, context, (owner, call) => owner.RewindInstanceAsync(request, call), async (engine, hub) =>
        {
            foreach (var child in await engine.Rewinding.RewindAsync(hub, request.InstanceId, request.Reason, context.CancellationToken))
            {
                await RewindInstance(new() { InstanceId = child, Reason = request.Reason }, context);
            }

            return new RewindInstanceResponse();
        });
        return response;
    }

    public override async Task<RestartInstanceResponse> RestartInstance(RestartInstanceRequest request, ServerCallContext context)
    {
        var state = (await GetInstance(new() { InstanceId = request.InstanceId, GetInputsAndOutputs = true }, context)).OrchestrationState
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
        await StartInstance(start, context);
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
        var response = new QueryInstancesResponse { ContinuationToken = next?.ToString() };
        var bytes = 0L;
        foreach (var stored in page)
        {
            if (bytes > MaxPageBytes)
            {
                // Large payloads: the page ends early, and the caller goes on from here.
                response.ContinuationToken = after.ToString();
                break;
            }

            response.OrchestrationState.Add(await payloads.GiveAsync(stored.State, context.CancellationToken));
            bytes += (stored.State.Input?.Length ?? 0) + (stored.State.Output?.Length ?? 0);
            after = stored.Key;
        }

        return response;
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
                var one = await engine.Purging.PurgeAsync(hub, [request.InstanceId], request.Recursive, context.CancellationToken);
                return new() { DeletedInstanceCount = one, IsComplete = true };
            case PurgeInstancesRequest.RequestOneofCase.InstanceBatch:
                RequireBatch(request.InstanceBatch);
                var some = await engine.Purging.PurgeAsync(hub, request.InstanceBatch.InstanceIds, request.Recursive, context.CancellationToken);
                return new() { DeletedInstanceCount = some, IsComplete = true };
            case PurgeInstancesRequest.RequestOneofCase.PurgeInstanceFilter:
                var (count, complete) = await engine.Purging.PurgeAsync(hub, request.PurgeInstanceFilter, request.Recursive, context.CancellationToken);
                return new() { DeletedInstanceCount = count, IsComplete = complete };
            default:
                throw new ArgumentException("Say what to purge: an instance id, a batch of ids, or a filter.", nameof(request));
        }
    }

    public override async Task<SkipGracefulOrchestrationTerminationsResponse> SkipGracefulOrchestrationTerminations(
        SkipGracefulOrchestrationTerminationsRequest request, ServerCallContext context)
    {
        RequireBatch(request.InstanceBatch);
        var response = new SkipGracefulOrchestrationTerminationsResponse();
        foreach (var id in request.InstanceBatch.InstanceIds)
        {
            var state = (await GetInstance(new() { InstanceId = id }, context)).OrchestrationState;
            if (state is null || state.CompletedTimestamp is not null)
            {
                response.UnterminatedInstanceIds.Add(id);
            }
            else
            {
                await TerminateInstance(new() { InstanceId = id, Output = request.Reason }, context);
            }
        }

        return response;
    }

    public override async Task<CreateTaskHubResponse> CreateTaskHub(CreateTaskHubRequest request, ServerCallContext context)
    {
        if (request.RecreateIfExists)
        {
            await DeleteTaskHub(new(), context);
        }

        await HubAsync(context);

        return new();
    }

    public override async Task<DeleteTaskHubResponse> DeleteTaskHub(DeleteTaskHubRequest request, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        if (!IsForwarded(context))
        {
            foreach (var other in peers.Others)
            {
                await peers.At(other).DeleteTaskHubAsync(request, Peers.Forward(context));
            }
        }

        await engine.Hubs.DeleteAsync(hub).WaitAsync(context.CancellationToken);
        return new();
    }

    private async Task<GetInstanceResponse> AnswerAsync(OrchestrationState? state, ServerCallContext context)
        => new() { Exists = state is not null, OrchestrationState = await payloads.GiveAsync(state, context.CancellationToken) };

    private static void Require(string value, string field)
    {
        if (string.IsNullOrEmpty(value))
        {
            throw new ArgumentException($"The field '{field}' is required.", field);
        }
    }

    private static void RequireTime(Timestamp? time)
    {
        if (!WireTime.IsValid(time))
        {
            throw new ArgumentException("The time to start at is not a time.", nameof(time));
        }
    }

    private static void RequireId(string id)
    {
        Require(id, "instanceId");
        if (!InstanceIds.IsValid(id))
        {
            throw new ArgumentException($"An instance id has at most {InstanceIds.MaxLength} characters and no control characters.", nameof(id));
        }
    }

    private static void RequireBatch(InstanceBatch? batch)
    {
        if (batch is null || batch.InstanceIds.Count is 0 or > MaxBatch)
        {
            throw new ArgumentException($"A batch has 1 to {MaxBatch} instance ids.", nameof(batch));
        }
    }
}
