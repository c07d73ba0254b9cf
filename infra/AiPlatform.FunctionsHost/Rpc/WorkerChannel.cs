using System.Collections.Concurrent;
using System.Threading.Channels;
using Grpc.Core;

namespace AiPlatform.FunctionsHost.Rpc;

/// <summary>The conversation with one worker: requests and their answers, invocations and their results, in any order.</summary>
internal sealed class WorkerChannel(Action<RpcLog> log) : IDisposable
{
    private const int MaxWaitingMessages = 4096;

    private readonly Channel<StreamingMessage> _outgoing = Channel.CreateBounded<StreamingMessage>(
        new BoundedChannelOptions(MaxWaitingMessages) { SingleReader = true });

    private readonly ConcurrentDictionary<string, TaskCompletionSource<StreamingMessage>> _requests = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource<InvocationResponse>> _invocations = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _closed = new();

    /// <summary>Cancelled when the conversation has ended.</summary>
    public CancellationToken Closed => _closed.Token;

    /// <summary>Invocations that have not ended.</summary>
    public int Running => _invocations.Count;

    /// <summary>Carries messages both ways until the worker hangs up, or <paramref name="cancellationToken"/>.</summary>
    public async Task RunAsync(
        IAsyncStreamReader<StreamingMessage> incoming, IAsyncStreamWriter<StreamingMessage> outgoing, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closed.Token);
        var sending = SendAsync(outgoing, end.Token);
        try
        {
            await foreach (var message in incoming.ReadAllAsync(end.Token))
            {
                Receive(message);
            }
        }
        catch (Exception exception) when (exception is IOException or Grpc.Core.RpcException or OperationCanceledException)
        {
            // The worker is gone, which is no news: whoever waits for it is told below.
        }
        finally
        {
            Close();
            await sending;
        }
    }

    /// <summary>Asks for something and returns the answer.</summary>
    /// <exception cref="TimeoutException">There was none within <paramref name="limit"/>.</exception>
    /// <exception cref="WorkerLostException">The worker is gone.</exception>
    public async Task<StreamingMessage> RequestAsync(StreamingMessage request, TimeSpan limit, CancellationToken cancellationToken)
    {
        request.RequestId = Guid.NewGuid().ToString();
        var answer = new TaskCompletionSource<StreamingMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        _requests[request.RequestId] = answer;
        try
        {
            await WriteAsync(request, cancellationToken);
            return await answer.Task.WaitAsync(limit, cancellationToken);
        }
        finally
        {
            _requests.TryRemove(request.RequestId, out _);
        }
    }

    /// <summary>Invokes a function and returns its result; the invocation goes on when nobody waits for it any more.</summary>
    /// <exception cref="WorkerLostException">The worker is gone.</exception>
    public async Task<InvocationResponse> InvokeAsync(InvocationRequest request)
    {
        var result = new TaskCompletionSource<InvocationResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        _invocations[request.InvocationId] = result;
        try
        {
            await WriteAsync(new StreamingMessage { InvocationRequest = request }, CancellationToken.None);
            return await result.Task;
        }
        finally
        {
            _invocations.TryRemove(request.InvocationId, out _);
        }
    }

    /// <summary>Asks the worker to give an invocation up; its result still comes.</summary>
    public void Cancel(string invocationId)
        => _outgoing.Writer.TryWrite(new StreamingMessage { InvocationCancel = new InvocationCancel { InvocationId = invocationId } });

    /// <summary>Tells the worker something that has no answer.</summary>
    public bool Tell(StreamingMessage message) => _outgoing.Writer.TryWrite(message);

    /// <summary>Waits until no invocation runs, or for <paramref name="limit"/>.</summary>
    public async Task DrainAsync(TimeSpan limit)
    {
        var running = _invocations.Values.Select(static invocation => (Task)invocation.Task).ToArray();
        await Task.WhenAny(Task.WhenAll(running), Task.Delay(limit));
    }

    /// <summary>Ends the conversation; who waits for an answer gets none.</summary>
    public void Close()
    {
        if (!_outgoing.Writer.TryComplete())
        {
            return;
        }

        _closed.Cancel();
        var lost = new WorkerLostException("The worker has ended.");
        foreach (var request in _requests.Values)
        {
            request.TrySetException(lost);
        }

        foreach (var invocation in _invocations.Values)
        {
            invocation.TrySetException(lost);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Close();
        _closed.Dispose();
    }

    private async Task WriteAsync(StreamingMessage message, CancellationToken cancellationToken)
    {
        try
        {
            if (!_outgoing.Writer.TryWrite(message))
            {
                await _outgoing.Writer.WriteAsync(message, cancellationToken);
            }
        }
        catch (ChannelClosedException exception)
        {
            throw new WorkerLostException("The worker has ended.", exception);
        }
    }

    private async Task SendAsync(IAsyncStreamWriter<StreamingMessage> outgoing, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var message in _outgoing.Reader.ReadAllAsync(cancellationToken))
            {
                await outgoing.WriteAsync(message, cancellationToken);
            }
        }
        catch (Exception exception) when (exception is IOException or Grpc.Core.RpcException or InvalidOperationException or OperationCanceledException)
        {
            // The stream is broken: without it the conversation is over.
            Close();
        }
    }

    private void Receive(StreamingMessage message)
    {
        if (message.ContentCase == StreamingMessage.ContentOneofCase.InvocationResponse)
        {
            if (_invocations.TryRemove(message.InvocationResponse.InvocationId, out var invocation))
            {
                invocation.TrySetResult(message.InvocationResponse);
            }
        }
        else if (message.ContentCase == StreamingMessage.ContentOneofCase.RpcLog)
        {
            log(message.RpcLog);
        }
        else if (_requests.TryRemove(message.RequestId, out var request))
        {
            request.TrySetResult(message);
        }
    }
}
