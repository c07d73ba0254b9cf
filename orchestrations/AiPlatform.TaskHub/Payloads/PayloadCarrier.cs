using System.Text;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Engine;
using Microsoft.Extensions.Options;

namespace AiPlatform.TaskHub.Payloads;

/// <summary>
/// Takes large payloads out of what comes in and puts them back into what goes out: the engine and its rows hold tokens, clients and
/// workers never see one. It stands where the owner of an instance or entity answers, so that each payload passes it once each way.
/// </summary>
internal sealed class PayloadCarrier(PayloadStore store, IOptions<TaskHubOptions> options)
{
    private const int MaxParallel = 8;

    private readonly int _threshold = options.Value.PayloadThreshold;

    /// <summary>Whether large payloads are taken out.</summary>
    public bool IsEnabled => store.IsEnabled;

    /// <summary>The token to keep in place of a large payload, or the payload itself.</summary>
    public async ValueTask<string?> TakeAsync(int partition, string? payload, CancellationToken cancellationToken)
        => IsLarge(payload) ? (await store.WriteAsync(partition, payload!, cancellationToken)).ToString() : payload;

    /// <summary>The payload that a token stands for, or what was given.</summary>
    public async ValueTask<string?> GiveAsync(string? payload, CancellationToken cancellationToken)
        => PayloadToken.Of(payload) is { } token ? await store.ReadAsync(token, cancellationToken) : payload;

    /// <summary>Takes the payloads out of a turn's result.</summary>
    public async ValueTask TakeAsync(int partition, OrchestratorResponse response, CancellationToken cancellationToken)
    {
        if (!IsEnabled)
        {
            return;
        }

        foreach (var action in response.Actions)
        {
            if (PayloadFields.Of(action) is { } payload && IsLarge(payload))
            {
                PayloadFields.Set(action, (await TakeAsync(partition, payload, cancellationToken))!);
            }

            foreach (var item in PayloadFields.EventsOf(action))
            {
                if (PayloadFields.Of(item) is { } carried && IsLarge(carried))
                {
                    PayloadFields.Set(item, (await TakeAsync(partition, carried, cancellationToken))!);
                }
            }
        }
    }

    /// <summary>Takes the payloads out of a batch's result.</summary>
    public async ValueTask TakeAsync(int partition, EntityBatchResult result, CancellationToken cancellationToken)
    {
        if (!IsEnabled)
        {
            return;
        }

        result.EntityState = await TakeAsync(partition, result.EntityState, cancellationToken);
        foreach (var success in result.Results.Select(item => item.Success).OfType<OperationResultSuccess>())
        {
            success.Result = await TakeAsync(partition, success.Result, cancellationToken);
        }

        foreach (var action in result.Actions)
        {
            if (action.SendSignal is { } signal)
            {
                signal.Input = await TakeAsync(partition, signal.Input, cancellationToken);
            }
            else if (action.StartNewOrchestration is { } start)
            {
                start.Input = await TakeAsync(partition, start.Input, cancellationToken);
            }
        }
    }

    /// <summary>Puts the payloads into an instance's state.</summary>
    public async ValueTask<OrchestrationState?> GiveAsync(OrchestrationState? state, CancellationToken cancellationToken)
    {
        if (state is not null && IsEnabled)
        {
            state.Input = await GiveAsync(state.Input, cancellationToken);
            state.Output = await GiveAsync(state.Output, cancellationToken);
        }

        return state;
    }

    /// <summary>Puts the payloads into a work item.</summary>
    public async ValueTask GiveAsync(WorkItem item, CancellationToken cancellationToken)
    {
        if (!IsEnabled)
        {
            return;
        }

        switch (item.RequestCase)
        {
            case WorkItem.RequestOneofCase.ActivityRequest:
                item.ActivityRequest.Input = await GiveAsync(item.ActivityRequest.Input, cancellationToken);
                break;
            case WorkItem.RequestOneofCase.OrchestratorRequest:
                await GiveAsync(item.OrchestratorRequest.PastEvents, cancellationToken);
                await GiveAsync(item.OrchestratorRequest.NewEvents, cancellationToken);
                break;
            case WorkItem.RequestOneofCase.EntityRequest:
                item.EntityRequest.EntityState = await GiveAsync(item.EntityRequest.EntityState, cancellationToken);
                foreach (var operation in item.EntityRequest.Operations)
                {
                    operation.Input = await GiveAsync(operation.Input, cancellationToken);
                }

                break;
            case WorkItem.RequestOneofCase.EntityRequestV2:
                item.EntityRequestV2.EntityState = await GiveAsync(item.EntityRequestV2.EntityState, cancellationToken);
                await GiveAsync(item.EntityRequestV2.OperationRequests, cancellationToken);
                break;
            default:
                break;
        }
    }

    /// <summary>Puts the payloads into events. Those of the engine are shared: an event that changes is copied first.</summary>
    public async ValueTask GiveAsync(IList<HistoryEvent> events, CancellationToken cancellationToken)
    {
        if (!IsEnabled)
        {
            return;
        }

        var large = Enumerable.Range(0, events.Count).Where(index => PayloadToken.Is(PayloadFields.Of(events[index]))).ToArray();
        if (large.Length == 0)
        {
            return;
        }

        var full = new HistoryEvent[large.Length];
        await Parallel.ForAsync(0, large.Length, new ParallelOptions { MaxDegreeOfParallelism = MaxParallel, CancellationToken = cancellationToken }, async (index, cancelled) =>
        {
            var copy = events[large[index]].Clone();
            PayloadFields.Set(copy, (await GiveAsync(PayloadFields.Of(copy), cancelled))!);
            full[index] = copy;
        });
        foreach (var (index, copy) in full.Index())
        {
            events[large[index]] = copy;
        }
    }

    /// <summary>Whether a payload is kept apart.</summary>
    public bool IsLarge(string? payload)
        => payload is { Length: > 0 } && IsEnabled
            && (payload[0] == PayloadToken.Mark || payload.Length > _threshold || (payload.Length > _threshold / 3 && Encoding.UTF8.GetByteCount(payload) > _threshold));
}
