using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Engine;
using AiPlatform.TaskHub.Payloads;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace AiPlatform.TaskHub.Service;

/// <content>The calls of workers.</content>
internal sealed partial class TaskHubService
{
    private const int EventsPerChunk = 500;
    private const int BytesPerChunk = 1024 * 1024;

    public override async Task GetWorkItems(GetWorkItemsRequest request, IServerStreamWriter<WorkItem> responseStream, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, engine.Stopped);
        var name = context.RequestHeaders.GetValue("workerid") ?? context.Peer;
        var worker = engine.Workers.Connect(hub, request);
        Logs.WorkerConnected(logger, name, hub.Name);
        var relays = IsForwarded(context) ? Task.CompletedTask : RelayAsync(engine, worker, Peers.Forward(context), ended.Token);
        try
        {
            // Headers at once: a worker that has nothing to do sees that it is connected.
            await context.WriteResponseHeadersAsync([]);
            await SendAsync(engine, worker, responseStream, ended.Token);
        }
        catch (OperationCanceledException)
        {
            // The worker went, or the hub stops: a clean end tells the worker to connect again.
        }
        finally
        {
            engine.Workers.Disconnect(worker);
            await ended.CancelAsync();
            await relays;
            Logs.WorkerDisconnected(logger, name, hub.Name);
        }
    }

    public override Task<CompleteTaskResponse> CompleteActivityTask(ActivityResponse request, ServerCallContext context)
        => RouteTokenAsync(request.CompletionToken, context, (owner, call) => owner.CompleteActivityTaskAsync(request, call), async engine =>
        {
            if (payloads.IsLarge(request.Result))
            {
                request.Result = await payloads.TakeAsync(PartitionOf(request.CompletionToken), request.Result, context.CancellationToken);
            }

            // Not given up with the call: the result is being written, and the worker may ask for the answer again.
            await engine.Activities.CompleteAsync(request);
            return Completed;
        });

    public override Task<CompleteTaskResponse> CompleteOrchestratorTask(OrchestratorResponse request, ServerCallContext context)
        => RouteTokenAsync(request.CompletionToken, context, (owner, call) => owner.CompleteOrchestratorTaskAsync(request, call), async engine =>
        {
            if (payloads.IsEnabled)
            {
                await payloads.TakeAsync(PartitionOf(request.CompletionToken), request, context.CancellationToken);
            }

            await engine.Turns.CompleteAsync(request);
            return Completed;
        });

    public override Task<AbandonActivityTaskResponse> AbandonTaskActivityWorkItem(AbandonActivityTaskRequest request, ServerCallContext context)
        => RouteTokenAsync(request.CompletionToken, context, (owner, call) => owner.AbandonTaskActivityWorkItemAsync(request, call), engine =>
        {
            engine.Activities.Abandon(request.CompletionToken);
            return Task.FromResult(new AbandonActivityTaskResponse());
        });

    public override Task<AbandonOrchestrationTaskResponse> AbandonTaskOrchestratorWorkItem(AbandonOrchestrationTaskRequest request, ServerCallContext context)
        => RouteTokenAsync(request.CompletionToken, context, (owner, call) => owner.AbandonTaskOrchestratorWorkItemAsync(request, call), engine =>
        {
            engine.Turns.Abandon(request.CompletionToken);
            return Task.FromResult(new AbandonOrchestrationTaskResponse());
        });

    public override async Task StreamInstanceHistory(StreamInstanceHistoryRequest request, IServerStreamWriter<HistoryChunk> responseStream, ServerCallContext context)
    {
        var (engine, hub) = await HubAsync(context);
        var partition = Partition.Of(request.InstanceId);
        if (!engine.Partitions.Owns(partition))
        {
            using var call = Owner(partition, context).StreamInstanceHistory(request, Peers.Forward(context));
            await foreach (var chunk in call.ResponseStream.ReadAllAsync(context.CancellationToken))
            {
                await responseStream.WriteAsync(chunk, context.CancellationToken);
            }

            return;
        }

        var events = await engine.Reads.HistoryAsync(hub, request.InstanceId, context.CancellationToken);
        foreach (var chunk in Chunks(request.ForWorkItemProcessing ? events : WithTurnEnds(events)))
        {
            await payloads.GiveAsync(chunk.Events, context.CancellationToken);
            await responseStream.WriteAsync(chunk, context.CancellationToken);
        }
    }

    /// <summary>A history in messages of bounded size; an event that is larger comes alone.</summary>
    internal static IEnumerable<HistoryChunk> Chunks(IEnumerable<HistoryEvent> events)
    {
        var chunk = new HistoryChunk();
        var bytes = 0L;
        foreach (var item in events)
        {
            var size = PayloadFields.Size(item);
            if (chunk.Events.Count > 0 && (chunk.Events.Count == EventsPerChunk || bytes + size > BytesPerChunk))
            {
                yield return chunk;
                (chunk, bytes) = (new(), 0);
            }

            chunk.Events.Add(item);
            bytes += size;
        }

        if (chunk.Events.Count > 0)
        {
            yield return chunk;
        }
    }

    /// <summary>
    /// Histories of the protocol mark the end of each turn; workers do without the mark, so it is neither kept nor sent to them.
    /// </summary>
    internal static IEnumerable<HistoryEvent> WithTurnEnds(IReadOnlyList<HistoryEvent> events)
    {
        Timestamp? last = null;
        foreach (var item in events)
        {
            if (item.OrchestratorStarted is not null && last is not null)
            {
                yield return new HistoryEvent { EventId = -1, Timestamp = last, OrchestratorCompleted = new() };
            }

            yield return item;
            last = item.Timestamp;
        }

        if (last is not null && events[^1].ExecutionCompleted is null)
        {
            yield return new HistoryEvent { EventId = -1, Timestamp = last, OrchestratorCompleted = new() };
        }
    }

    private async Task SendAsync(HubEngine engine, WorkerConnection worker, IServerStreamWriter<WorkItem> stream, CancellationToken cancellationToken)
    {
        var waiting = worker.Outgoing.WaitToReadAsync(cancellationToken).AsTask();
        while (true)
        {
            bool open;
            try
            {
                open = await waiting.WaitAsync(options.Value.HealthPing, cancellationToken);
            }
            catch (TimeoutException)
            {
                await stream.WriteAsync(new WorkItem { HealthPing = new() }, cancellationToken);
                continue;
            }

            if (!open)
            {
                return;
            }

            while (worker.Outgoing.TryRead(out var next))
            {
                var (item, isRelayed) = next;
                if (!isRelayed && !await FillAsync(engine, item, cancellationToken))
                {
                    continue;
                }

                // More is waiting: let it share a frame.
                stream.WriteOptions = worker.Outgoing.TryPeek(out _) ? BufferedWrite : null;
                await stream.WriteAsync(item, cancellationToken);
            }

            waiting = worker.Outgoing.WaitToReadAsync(cancellationToken).AsTask();
        }
    }

    /// <summary>Puts large payloads into a work item. One whose payloads cannot be read is given back: others wait no longer for that.</summary>
    private async ValueTask<bool> FillAsync(HubEngine engine, WorkItem item, CancellationToken cancellationToken)
    {
        try
        {
            await payloads.GiveAsync(item, cancellationToken);
            return true;
        }
        catch (PayloadStoreException exception)
        {
            Logs.PayloadNotRead(logger, exception);
            try
            {
                engine.Abandon(item);
            }
            catch (StaleTokenException)
            {
                // It was taken back meanwhile.
            }

            return false;
        }
    }

    private static readonly WriteOptions BufferedWrite = new(WriteFlags.BufferHint);
}
