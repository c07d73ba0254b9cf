using System.Threading.Channels;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.DurableTask.Protobuf;

namespace AiPlatform.TaskHub.Cli.Replay;

/// <summary>The hub's part in a replay: hands out one turn at a time and takes what the worker makes of it.</summary>
internal sealed class ReplayInvoker : CallInvoker, IDisposable
{
    private readonly Channel<WorkItem> _items = Channel.CreateBounded<WorkItem>(1);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private TaskCompletionSource<OrchestratorResponse> _answer = new();
    private OrchestratorResponse? _parts;

    /// <summary>Has a turn run.</summary>
    public async Task<OrchestratorResponse> AskAsync(OrchestratorRequest request)
    {
        await _gate.WaitAsync();
        try
        {
            _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _parts = null;
            await _items.Writer.WriteAsync(new WorkItem { OrchestratorRequest = request, CompletionToken = "replay" });
            return await _answer.Task;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
    {
        object response = request switch
        {
            Empty hello => hello,
            OrchestratorResponse turn => Take(turn),
            AbandonOrchestrationTaskRequest => GiveBack(),
            _ => throw new NotSupportedException($"A replay makes no call of {method.Name}."),
        };
        return new(Task.FromResult((TResponse)response), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        => request is GetWorkItemsRequest
            ? new(new Items<TResponse>(_items.Reader), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { })
            : throw new NotSupportedException($"A replay makes no call of {method.Name}.");

    public override TResponse BlockingUnaryCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

    private CompleteTaskResponse Take(OrchestratorResponse turn)
    {
        // Large turns come in parts.
        if (_parts is null)
        {
            _parts = turn;
        }
        else
        {
            _parts.Actions.AddRange(turn.Actions);
        }

#pragma warning disable CS0612 // Deprecated in the contract, and what the worker sends.
        if (!turn.IsPartial)
#pragma warning restore CS0612
        {
            _answer.TrySetResult(_parts);
        }

        return new();
    }

    private AbandonOrchestrationTaskResponse GiveBack()
    {
        _answer.TrySetException(new InvalidOperationException("The worker cannot run the turn."));
        return new();
    }

    private sealed class Items<T>(ChannelReader<WorkItem> items) : IAsyncStreamReader<T>
    {
        public T Current { get; private set; } = default!;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            Current = (T)(object)await items.ReadAsync(cancellationToken);
            return true;
        }
    }
}
