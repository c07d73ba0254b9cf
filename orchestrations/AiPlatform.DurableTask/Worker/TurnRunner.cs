using AiPlatform.DurableTask.Worker.Replay;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker;

/// <summary>Runs orchestrator turns: from the orchestrator in memory where it is kept, by replay otherwise.</summary>
internal sealed class TurnRunner(
    P.TaskHubSidecarService.TaskHubSidecarServiceClient stub,
    CompletionSender completions,
    DurableTaskRegistry registry,
    DurableTaskWorkerOptions options,
    IServiceProvider services,
    ILoggerFactory loggerFactory)
{
    /// <summary>Tells our hub that it may send new events alone; other hubs ignore it.</summary>
    public const string CachingHeader = "x-aip-caches-orchestrators";

    /// <summary>Our hub names here the completion that the work item goes on from.</summary>
    private const string ContinuesProperty = "continuesAfter";

    private readonly SessionCache _sessions = new(options.CachedOrchestrators);
    private readonly ILogger _logger = loggerFactory.CreateLogger<TurnRunner>();

    public async Task RunAsync(P.OrchestratorRequest request, string completionToken)
    {
        try
        {
            var session = _sessions.Take(request.InstanceId);
            IReadOnlyCollection<P.HistoryEvent> past = [];
            if (request.Properties.TryGetValue(ContinuesProperty, out var continues))
            {
                if (session is null || session.LastToken != continues.StringValue)
                {
                    await completions.CompleteAsync(new P.OrchestratorResponse { InstanceId = request.InstanceId, CompletionToken = completionToken, RequiresHistory = true });
                    return;
                }
            }
            else
            {
                past = request.RequiresHistoryStreaming ? await ReadHistoryAsync(request) : request.PastEvents;
                if (await IsAnsweredAsync(request, past, completionToken))
                {
                    return;
                }

                session = new OrchestrationSession(request.InstanceId, Find, options.DataConverter, loggerFactory, options.Versioning?.DefaultVersion ?? string.Empty);
            }

            var response = session.Run(past, request.NewEvents, completionToken);
            if (!session.IsOver)
            {
                // Before the completion: the next turn may come before its answer does.
                _sessions.Put(request.InstanceId, session);
            }

            if (!await completions.CompleteAsync(response))
            {
                _sessions.Take(request.InstanceId);
            }
            else if (session.IsOver)
            {
                session.EmitSpan();
            }
        }
        catch (Exception exception)
        {
            // Not the orchestrator's own failure, which is a result, but ours: reading the history, or a fault in this code.
            Logs.TurnFailed(_logger, exception, request.InstanceId);
            await completions.AbandonTurnAsync(request.InstanceId, completionToken);
        }
    }

    /// <summary>Turns that are answered without running the orchestrator: those of other versions, and the rewriting of a history.</summary>
    private async Task<bool> IsAnsweredAsync(P.OrchestratorRequest request, IReadOnlyCollection<P.HistoryEvent> past, string completionToken)
    {
        var version = past.Concat(request.NewEvents).FirstOrDefault(item => item.ExecutionStarted is not null)?.ExecutionStarted.Version;
        if (VersionGate.Refusal(options.Versioning, version) is { } reason)
        {
            Logs.VersionRefused(_logger, request.InstanceId, reason);
            await (options.Versioning!.FailureStrategy == DurableTaskWorkerOptions.VersionFailureStrategy.Fail
                ? completions.CompleteAsync(VersionGate.Failed(request.InstanceId, completionToken, reason))
                : completions.AbandonTurnAsync(request.InstanceId, completionToken));
            return true;
        }

        if (!RewindHistory.IsAskedFor(past, request.NewEvents))
        {
            return false;
        }

        var rewritten = RewindHistory.Rewrite(past, request.NewEvents);
        await completions.CompleteAsync(new P.OrchestratorResponse { InstanceId = request.InstanceId, CompletionToken = completionToken, Actions = { rewritten } });
        return true;
    }

    private ITaskOrchestrator? Find(TaskName name) => registry.Orchestrators.TryGetValue(name, out var factory) ? factory(services) : null;

    private async Task<List<P.HistoryEvent>> ReadHistoryAsync(P.OrchestratorRequest request)
    {
        using var call = stub.StreamInstanceHistory(new() { InstanceId = request.InstanceId, ExecutionId = request.ExecutionId, ForWorkItemProcessing = true });
        var history = new List<P.HistoryEvent>();
        await foreach (var chunk in call.ResponseStream.ReadAllAsync())
        {
            history.AddRange(chunk.Events);
        }

        return history;
    }
}
