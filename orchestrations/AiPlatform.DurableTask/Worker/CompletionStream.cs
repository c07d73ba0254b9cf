using System.Collections.Concurrent;
using System.Threading.Channels;
using Google.Protobuf;
using Grpc.Core;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker;

/// <summary>
/// Results of many work items over one stream: a call for each costs more than the work of a small activity. Whatever happens to
/// the stream, what was not answered fails as unavailable and is repeated by a call of the protocol.
/// </summary>
internal sealed class CompletionStream
{
    /// <summary>Our hub says with this header of GetWorkItems that it takes results by stream.</summary>
    public const string Header = "x-aip-completion-stream";

    private const int MaxBatch = 256;
    private const int MaxBatchBytes = 1 << 20;

    private static readonly Status Broken = new(StatusCode.Unavailable, "The stream of results has ended.");

    // Holds no more than the work items that are running: each waits for its answer.
    private readonly Channel<P.Completion> _outgoing = Channel.CreateUnbounded<P.Completion>(new() { SingleReader = true });
    private readonly ConcurrentDictionary<long, TaskCompletionSource<Status>> _waiting = new();
    private long _lastId;
    private volatile bool _isBroken;

    /// <param name="stub">The hub.</param>
    /// <param name="cancellationToken">Ends the stream at once.</param>
    public CompletionStream(P.CompletionStream.CompletionStreamClient stub, CancellationToken cancellationToken)
        => _ = RunAsync(stub, cancellationToken);

    /// <summary>Whether a result may be sent here: large ones do better alone.</summary>
    public static bool Takes(IMessage result) => result.CalculateSize() < MaxBatchBytes;

    /// <summary>Sends a result.</summary>
    /// <returns>The hub's answer: <see cref="StatusCode.OK"/> when the result is durable.</returns>
    public Task<Status> SendAsync(P.Completion item)
    {
        item.Id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<Status>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[item.Id] = answer;
        if (!_outgoing.Writer.TryWrite(item) || _isBroken)
        {
            Answer(item.Id, Broken);
        }

        return answer.Task;
    }

    /// <summary>Nothing more is sent; what was sent is still answered.</summary>
    public void Close() => _outgoing.Writer.TryComplete();

    private async Task RunAsync(P.CompletionStream.CompletionStreamClient stub, CancellationToken cancellationToken)
    {
        try
        {
            using var broken = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            using var call = stub.Report(cancellationToken: broken.Token);
            var sending = SendAsync(call.RequestStream, broken.Token);
            try
            {
                await foreach (var answers in call.ResponseStream.ReadAllAsync(broken.Token).ConfigureAwait(false))
                {
                    foreach (var id in answers.Accepted)
                    {
                        Answer(id, Status.DefaultSuccess);
                    }

                    foreach (var refusal in answers.Refused)
                    {
                        Answer(refusal.Id, new Status((StatusCode)refusal.Code, refusal.Reason));
                    }
                }
            }
            finally
            {
                Close();
                await broken.CancelAsync().ConfigureAwait(false);
                await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException or InvalidOperationException)
        {
            // Each result that was not answered says so to its sender, who repeats it.
        }
        finally
        {
            Close();
            _isBroken = true;
            foreach (var id in _waiting.Keys)
            {
                Answer(id, Broken);
            }
        }
    }

    private async Task SendAsync(IClientStreamWriter<P.CompletionBatch> stream, CancellationToken cancellationToken)
    {
        while (await _outgoing.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            var batch = new P.CompletionBatch();
            for (var bytes = 0; batch.Items.Count < MaxBatch && bytes < MaxBatchBytes && _outgoing.Reader.TryRead(out var item);)
            {
                bytes += item.CalculateSize();
                batch.Items.Add(item);
            }

            await stream.WriteAsync(batch, cancellationToken).ConfigureAwait(false);
        }

        await stream.CompleteAsync().ConfigureAwait(false);
    }

    private void Answer(long id, Status status)
    {
        if (_waiting.TryRemove(id, out var waiting))
        {
            waiting.TrySetResult(status);
        }
    }
}
