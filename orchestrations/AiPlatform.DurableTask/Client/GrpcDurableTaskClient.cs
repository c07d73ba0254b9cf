using AiPlatform.DurableTask.Client.Entities;
using AiPlatform.DurableTask.Scheduler;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Client;

/// <summary>The client over the Durable Task gRPC protocol.</summary>
internal sealed class GrpcDurableTaskClient(string name, SchedulerChannel channel, DurableTaskClientOptions options) : DurableTaskClient(name)
{
    private static readonly TimeSpan ReconnectDelay = TimeSpan.FromMilliseconds(250);

    private readonly P.TaskHubSidecarService.TaskHubSidecarServiceClient _stub = channel.Stub;

    public override DurableEntityClient Entities { get; } = new GrpcDurableEntityClient(name, channel.Stub, options.DataConverter);

    public override async Task<string> ScheduleNewOrchestrationInstanceAsync(
        TaskName orchestratorName, object? input = null, StartOrchestrationOptions? start = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(orchestratorName.Name, nameof(orchestratorName));
        var request = new P.CreateInstanceRequest
        {
            InstanceId = start?.InstanceId ?? Guid.CreateVersion7().ToString("N"),
            Name = orchestratorName.Name,
            Version = start?.Version ?? options.DefaultVersion,
            Input = options.DataConverter.Serialize(input),
            ExecutionId = Guid.NewGuid().ToString("N"),
            ScheduledStartTimestamp = start?.StartAt?.ToTimestamp(),
            RequestTime = DateTimeOffset.UtcNow.ToTimestamp(),
        };
        if (start is not null)
        {
            request.Tags.Add(start.Tags.ToDictionary(tag => tag.Key, tag => tag.Value, StringComparer.Ordinal));
            if (start.DedupeStatuses is { } dedupe)
            {
                request.OrchestrationIdReusePolicy = new() { ReplaceableStatus = { Replaceable(dedupe) } };
            }
        }

        using var span = DurableTaskTracing.StartCreation(request);
        request.ParentTraceContext = DurableTaskTracing.Current(span);
        try
        {
            return (await _stub.StartInstanceAsync(request, cancellationToken: cancellation)).InstanceId;
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.AlreadyExists)
        {
            throw new OrchestrationAlreadyExistsException(exception.Status.Detail, exception);
        }
        catch (RpcException exception)
        {
            throw Rpc.Translate(exception, cancellation);
        }
    }

    public override async Task RaiseEventAsync(string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        var request = new P.RaiseEventRequest { InstanceId = instanceId, Name = eventName, Input = options.DataConverter.Serialize(eventPayload) };
        using var span = DurableTaskTracing.StartEvent(request);
        await Rpc.CallAsync(_stub.RaiseEventAsync, request, cancellation);
    }

    public override Task<OrchestrationMetadata> WaitForInstanceStartAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
        => WaitAsync(_stub.WaitForInstanceStartAsync, instanceId, getInputsAndOutputs, cancellation);

    public override Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
        => WaitAsync(_stub.WaitForInstanceCompletionAsync, instanceId, getInputsAndOutputs, cancellation);

    public override Task TerminateInstanceAsync(string instanceId, TerminateInstanceOptions? start = null, CancellationToken cancellation = default)
        => Rpc.CallAsync(
            _stub.TerminateInstanceAsync,
            new P.TerminateRequest { InstanceId = instanceId, Output = options.DataConverter.Serialize(start?.Output), Recursive = start?.Recursive ?? false },
            cancellation);

    public override Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default)
        => Rpc.CallAsync(_stub.SuspendInstanceAsync, new P.SuspendRequest { InstanceId = instanceId, Reason = reason }, cancellation);

    public override Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default)
        => Rpc.CallAsync(_stub.ResumeInstanceAsync, new P.ResumeRequest { InstanceId = instanceId, Reason = reason }, cancellation);

    public override async Task<OrchestrationMetadata?> GetInstanceAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
    {
        var request = new P.GetInstanceRequest { InstanceId = instanceId, GetInputsAndOutputs = getInputsAndOutputs };
        var response = await Rpc.CallAsync(_stub.GetInstanceAsync, request, cancellation);
        return response.Exists ? response.OrchestrationState.ToMetadata(options.DataConverter) : null;
    }

    public override AsyncPageable<OrchestrationMetadata> GetAllInstancesAsync(OrchestrationQuery? filter = null)
    {
        var query = filter ?? new OrchestrationQuery();
        return new RpcPages<OrchestrationMetadata>(query.ContinuationToken, query.PageSize, async (token, size, cancellation) =>
        {
            var request = new P.QueryInstancesRequest
            {
                Query = new()
                {
                    CreatedTimeFrom = query.CreatedFrom?.ToTimestamp(),
                    CreatedTimeTo = query.CreatedTo?.ToTimestamp(),
                    RuntimeStatus = { ToProto(query.Statuses) },
                    InstanceIdPrefix = query.InstanceIdPrefix,
                    MaxInstanceCount = size,
                    FetchInputsAndOutputs = query.FetchInputsAndOutputs,
                    ContinuationToken = token,
                },
            };
            var response = await Rpc.CallAsync(_stub.QueryInstancesAsync, request, cancellation);
            return new(
                [.. response.OrchestrationState.Select(state => state.ToMetadata(options.DataConverter))],
                string.IsNullOrEmpty(response.ContinuationToken) ? null : response.ContinuationToken);
        });
    }

    public override async Task<Page<string>> ListInstanceIdsAsync(
        IEnumerable<OrchestrationRuntimeStatus>? runtimeStatus = null,
        DateTimeOffset? completedTimeFrom = null,
        DateTimeOffset? completedTimeTo = null,
        int pageSize = OrchestrationQuery.DefaultPageSize,
        string? lastInstanceKey = null,
        CancellationToken cancellation = default)
    {
        var response = await Rpc.CallAsync(
            _stub.ListInstanceIdsAsync,
            new P.ListInstanceIdsRequest
            {
                RuntimeStatus = { ToProto(runtimeStatus) },
                CompletedTimeFrom = completedTimeFrom?.ToTimestamp(),
                CompletedTimeTo = completedTimeTo?.ToTimestamp(),
                PageSize = pageSize,
                LastInstanceKey = lastInstanceKey,
            },
            cancellation);
        return new(response.InstanceIds, response.LastInstanceKey);
    }

    public override async Task<PurgeResult> PurgeInstanceAsync(string instanceId, PurgeInstanceOptions? start = null, CancellationToken cancellation = default)
    {
        var request = new P.PurgeInstancesRequest { InstanceId = instanceId, Recursive = start?.Recursive ?? false, IsOrchestration = true };
        var response = await Rpc.CallAsync(_stub.PurgeInstancesAsync, request, cancellation);
        return new(response.DeletedInstanceCount, response.IsComplete);
    }

    public override async Task<PurgeResult> PurgeAllInstancesAsync(PurgeInstancesFilter filter, PurgeInstanceOptions? start = null, CancellationToken cancellation = default)
    {
        var request = new P.PurgeInstancesRequest
        {
            Recursive = start?.Recursive ?? false,
            PurgeInstanceFilter = new()
            {
                CreatedTimeFrom = filter.CreatedFrom?.ToTimestamp(),
                CreatedTimeTo = filter.CreatedTo?.ToTimestamp(),
                RuntimeStatus = { ToProto(filter.Statuses) },
            },
        };
        var response = await Rpc.CallAsync(_stub.PurgeInstancesAsync, request, cancellation);
        return new(response.DeletedInstanceCount, response.IsComplete);
    }

    public override async Task<string> RestartAsync(string instanceId, bool restartWithNewInstanceId = false, CancellationToken cancellation = default)
    {
        var request = new P.RestartInstanceRequest { InstanceId = instanceId, RestartWithNewInstanceId = restartWithNewInstanceId };
        return (await Rpc.CallAsync(_stub.RestartInstanceAsync, request, cancellation)).InstanceId;
    }

    public override Task RewindInstanceAsync(string instanceId, string reason, CancellationToken cancellation = default)
        => Rpc.CallAsync(_stub.RewindInstanceAsync, new P.RewindInstanceRequest { InstanceId = instanceId, Reason = reason }, cancellation);

    public override async Task<IReadOnlyList<OrchestrationHistoryEvent>> GetOrchestrationHistoryAsync(string instanceId, CancellationToken cancellation = default)
    {
        try
        {
            using var call = _stub.StreamInstanceHistory(new P.StreamInstanceHistoryRequest { InstanceId = instanceId }, cancellationToken: cancellation);
            var events = new List<OrchestrationHistoryEvent>();
            await foreach (var chunk in call.ResponseStream.ReadAllAsync(cancellation))
            {
                events.AddRange(chunk.Events.Select(HistoryMapping.ToHistoryEvent));
            }

            return events;
        }
        catch (RpcException exception)
        {
            throw Rpc.Translate(exception, cancellation);
        }
    }

    public override ValueTask DisposeAsync()
    {
        channel.Dispose();
        return base.DisposeAsync();
    }

    private static IEnumerable<P.OrchestrationStatus> ToProto(IEnumerable<OrchestrationRuntimeStatus>? statuses)
        => statuses?.Select(status => (P.OrchestrationStatus)status) ?? [];

    private static IEnumerable<P.OrchestrationStatus> Replaceable(IReadOnlyList<string> dedupe)
        => System.Enum.GetValues<OrchestrationRuntimeStatus>()
            .Where(status => status is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated)
            .Where(status => !dedupe.Contains(status.ToString(), StringComparer.OrdinalIgnoreCase))
            .Select(status => (P.OrchestrationStatus)status);

    private async Task<OrchestrationMetadata> WaitAsync(
        Func<P.GetInstanceRequest, Metadata?, DateTime?, CancellationToken, AsyncUnaryCall<P.GetInstanceResponse>> call,
        string instanceId, bool getInputsAndOutputs, CancellationToken cancellation)
    {
        var request = new P.GetInstanceRequest { InstanceId = instanceId, GetInputsAndOutputs = getInputsAndOutputs };
        while (true)
        {
            try
            {
                var response = await Rpc.CallAsync(call, request, cancellation);
                return response.Exists
                    ? response.OrchestrationState.ToMetadata(options.DataConverter)
                    : throw new KeyNotFoundException($"There is no orchestration instance '{instanceId}'.");
            }
            catch (RpcException exception) when (exception.StatusCode is StatusCode.DeadlineExceeded or StatusCode.Unavailable or StatusCode.Internal or StatusCode.Unknown or StatusCode.Cancelled)
            {
                // The hub restarts, or a proxy limits long calls: the wait goes on until the caller gives up.
                await Task.Delay(ReconnectDelay, cancellation);
            }
        }
    }
}
