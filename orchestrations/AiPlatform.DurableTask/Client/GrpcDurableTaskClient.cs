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
            throw Translate(exception, cancellation);
        }
    }

    public override Task RaiseEventAsync(string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(eventName);
        return CallAsync(_stub.RaiseEventAsync, new P.RaiseEventRequest { InstanceId = instanceId, Name = eventName, Input = options.DataConverter.Serialize(eventPayload) }, cancellation);
    }

    public override Task<OrchestrationMetadata> WaitForInstanceStartAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
        => WaitAsync(_stub.WaitForInstanceStartAsync, instanceId, getInputsAndOutputs, cancellation);

    public override Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
        => WaitAsync(_stub.WaitForInstanceCompletionAsync, instanceId, getInputsAndOutputs, cancellation);

    public override Task TerminateInstanceAsync(string instanceId, TerminateInstanceOptions? start = null, CancellationToken cancellation = default)
        => CallAsync(
            _stub.TerminateInstanceAsync,
            new P.TerminateRequest { InstanceId = instanceId, Output = options.DataConverter.Serialize(start?.Output), Recursive = start?.Recursive ?? false },
            cancellation);

    public override Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default)
        => CallAsync(_stub.SuspendInstanceAsync, new P.SuspendRequest { InstanceId = instanceId, Reason = reason }, cancellation);

    public override Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default)
        => CallAsync(_stub.ResumeInstanceAsync, new P.ResumeRequest { InstanceId = instanceId, Reason = reason }, cancellation);

    public override async Task<OrchestrationMetadata?> GetInstanceAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
    {
        var request = new P.GetInstanceRequest { InstanceId = instanceId, GetInputsAndOutputs = getInputsAndOutputs };
        var response = await CallAsync(_stub.GetInstanceAsync, request, cancellation);
        return response.Exists ? response.OrchestrationState.ToMetadata(options.DataConverter) : null;
    }

    public override AsyncPageable<OrchestrationMetadata> GetAllInstancesAsync(OrchestrationQuery? filter = null)
        => new InstancePages(this, filter ?? new OrchestrationQuery());

    public override async Task<Page<string>> ListInstanceIdsAsync(
        IEnumerable<OrchestrationRuntimeStatus>? runtimeStatus = null,
        DateTimeOffset? completedTimeFrom = null,
        DateTimeOffset? completedTimeTo = null,
        int pageSize = OrchestrationQuery.DefaultPageSize,
        string? lastInstanceKey = null,
        CancellationToken cancellation = default)
    {
        var response = await CallAsync(
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
        var response = await CallAsync(_stub.PurgeInstancesAsync, request, cancellation);
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
        var response = await CallAsync(_stub.PurgeInstancesAsync, request, cancellation);
        return new(response.DeletedInstanceCount, response.IsComplete);
    }

    public override async Task<string> RestartAsync(string instanceId, bool restartWithNewInstanceId = false, CancellationToken cancellation = default)
    {
        var request = new P.RestartInstanceRequest { InstanceId = instanceId, RestartWithNewInstanceId = restartWithNewInstanceId };
        return (await CallAsync(_stub.RestartInstanceAsync, request, cancellation)).InstanceId;
    }

    public override Task RewindInstanceAsync(string instanceId, string reason, CancellationToken cancellation = default)
        => CallAsync(_stub.RewindInstanceAsync, new P.RewindInstanceRequest { InstanceId = instanceId, Reason = reason }, cancellation);

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
            throw Translate(exception, cancellation);
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

    private static Exception Translate(RpcException exception, CancellationToken cancellation) => exception.StatusCode switch
    {
        StatusCode.Cancelled when cancellation.IsCancellationRequested => new OperationCanceledException(exception.Status.Detail, exception, cancellation),
        StatusCode.NotFound => new KeyNotFoundException(exception.Status.Detail, exception),
        StatusCode.FailedPrecondition => new InvalidOperationException(exception.Status.Detail, exception),
        StatusCode.InvalidArgument => new ArgumentException(exception.Status.Detail, exception),
        StatusCode.Unimplemented => new NotSupportedException(exception.Status.Detail, exception),
        _ => exception,
    };

    private static async Task<TResponse> CallAsync<TRequest, TResponse>(
        Func<TRequest, Metadata?, DateTime?, CancellationToken, AsyncUnaryCall<TResponse>> call, TRequest request, CancellationToken cancellation)
    {
        try
        {
            return await call(request, null, null, cancellation);
        }
        catch (RpcException exception)
        {
            throw Translate(exception, cancellation);
        }
    }

    private async Task<OrchestrationMetadata> WaitAsync(
        Func<P.GetInstanceRequest, Metadata?, DateTime?, CancellationToken, AsyncUnaryCall<P.GetInstanceResponse>> call,
        string instanceId, bool getInputsAndOutputs, CancellationToken cancellation)
    {
        var request = new P.GetInstanceRequest { InstanceId = instanceId, GetInputsAndOutputs = getInputsAndOutputs };
        while (true)
        {
            try
            {
                var response = await CallAsync(call, request, cancellation);
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

    private sealed class InstancePages(GrpcDurableTaskClient client, OrchestrationQuery query) : AsyncPageable<OrchestrationMetadata>
    {
        public override async IAsyncEnumerable<Page<OrchestrationMetadata>> AsPages(string? continuationToken = null, int? pageSizeHint = null)
        {
            var token = continuationToken ?? query.ContinuationToken;
            do
            {
                var request = new P.QueryInstancesRequest
                {
                    Query = new()
                    {
                        CreatedTimeFrom = query.CreatedFrom?.ToTimestamp(),
                        CreatedTimeTo = query.CreatedTo?.ToTimestamp(),
                        RuntimeStatus = { ToProto(query.Statuses) },
                        InstanceIdPrefix = query.InstanceIdPrefix,
                        MaxInstanceCount = pageSizeHint ?? query.PageSize,
                        FetchInputsAndOutputs = query.FetchInputsAndOutputs,
                        ContinuationToken = token,
                    },
                };
                var response = await CallAsync(client._stub.QueryInstancesAsync, request, CancellationToken.None);
                token = string.IsNullOrEmpty(response.ContinuationToken) ? null : response.ContinuationToken;
                var items = response.OrchestrationState.Select(state => state.ToMetadata(client.Options.DataConverter)).ToList();
                yield return new Page<OrchestrationMetadata>(items, token);
            }
            while (token is not null);
        }
    }

    private DurableTaskClientOptions Options => options;
}
