using System.Threading.Channels;
using AiPlatform.DurableTask.Protobuf;
using AiPlatform.TaskHub.Engine;
using Grpc.Core;

namespace AiPlatform.TaskHub.Service;

/// <summary>Results of many work items over one stream; each is treated like the call of the protocol that it stands for.</summary>
internal sealed class CompletionStreamService(EngineHost host, TaskHubService hub, CallStatus status) : CompletionStream.CompletionStreamBase
{
    /// <summary>Says in the headers of GetWorkItems that workers may report here.</summary>
    public const string Header = "x-aip-completion-stream";

    // A stream that sends more than it has room for is not read until some of it is answered.
    private const int MaxInFlight = 4096;
    private const int MaxAnswers = 1024;

    public override async Task Report(IAsyncStreamReader<CompletionBatch> requestStream, IServerStreamWriter<CompletionAnswers> responseStream, ServerCallContext context)
    {
        var engine = host.Engine ?? throw new NotOwnerException();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, engine.Stopped);
        using var room = new SemaphoreSlim(MaxInFlight);
        var answers = Channel.CreateBounded<(long Id, CompletionRefusal? Refusal)>(new BoundedChannelOptions(MaxInFlight) { SingleReader = true });
        var sending = SendAsync(answers.Reader, responseStream, context.CancellationToken);
        try
        {
            await foreach (var batch in requestStream.ReadAllAsync(ended.Token))
            {
                foreach (var item in batch.Items)
                {
                    await room.WaitAsync(ended.Token);
                    _ = AnswerAsync(item, answers.Writer, room, context);
                }
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The worker went, or the hub stops.
        }
        catch (IOException)
        {
            // The worker went without a word.
        }
        finally
        {
            // What has come is still answered.
            for (var free = 0; free < MaxInFlight; free++)
            {
                await room.WaitAsync(CancellationToken.None);
            }

            answers.Writer.Complete();
            await sending;
        }
    }

    private async Task AnswerAsync(Completion item, ChannelWriter<(long, CompletionRefusal?)> answers, SemaphoreSlim room, ServerCallContext context)
    {
        CompletionRefusal? refusal = null;
        try
        {
            await (item.ResultCase switch
            {
                Completion.ResultOneofCase.Activity => hub.CompleteActivityTask(item.Activity, context),
                Completion.ResultOneofCase.Orchestrator => hub.CompleteOrchestratorTask(item.Orchestrator, context),
                Completion.ResultOneofCase.Entity => hub.CompleteEntityTask(item.Entity, context),
                _ => throw new ArgumentException("A completion must have a result."),
            });
        }
        catch (Exception exception)
        {
            var translated = status.Of(exception, context).Status;
            refusal = new() { Id = item.Id, Code = (int)translated.StatusCode, Reason = translated.Detail };
        }

        // There is room: no more are in flight than the channel holds.
        answers.TryWrite((item.Id, refusal));
        room.Release();
    }

    private static async Task SendAsync(ChannelReader<(long Id, CompletionRefusal? Refusal)> answers, IServerStreamWriter<CompletionAnswers> stream, CancellationToken cancellationToken)
    {
        while (await answers.WaitToReadAsync(CancellationToken.None))
        {
            var message = new CompletionAnswers();
            while (message.Accepted.Count + message.Refused.Count < MaxAnswers && answers.TryRead(out var answer))
            {
                if (answer.Refusal is { } refusal)
                {
                    message.Refused.Add(refusal);
                }
                else
                {
                    message.Accepted.Add(answer.Id);
                }
            }

            if (!cancellationToken.IsCancellationRequested)
            {
                await stream.WriteAsync(message, CancellationToken.None);
            }
        }
    }
}
