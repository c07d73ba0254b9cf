using Google.Protobuf;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Protobuf;
using EventCase = Microsoft.DurableTask.Protobuf.HistoryEvent.EventTypeOneofCase;

namespace AiPlatform.TaskHub.Cli.Replay;

/// <summary>
/// Replays the recorded history of an instance against today's code, turn by turn, in Microsoft's worker. Nothing is carried out. Code
/// whose replay differs breaks the instances that run while it is deployed.
/// </summary>
internal static class HistoryReplay
{
    private const string NonDeterministic = "NonDeterministicOrchestrationException";

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithIndentation());

    /// <summary>Writes a history as JSON.</summary>
    public static string Write(IEnumerable<HistoryEvent> history) => Formatter.Format(new HistoryChunk { Events = { history } });

    /// <summary>Reads a history that <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidProtocolBufferException">It is none.</exception>
    public static IReadOnlyList<HistoryEvent> Read(string json) => HistoryChunk.Parser.ParseJson(json).Events;

    /// <summary>Replays a history.</summary>
    /// <param name="tasks">Adds the orchestrator.</param>
    /// <param name="history">The events of one execution.</param>
    /// <param name="converter">The converter of the worker that recorded it; JSON when null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The history does not begin with the start of an execution.</exception>
    public static async Task<ReplayResult> RunAsync(
        Action<DurableTaskRegistry> tasks, IReadOnlyList<HistoryEvent> history, DataConverter? converter, CancellationToken cancellationToken)
    {
        var started = history.FirstOrDefault(static item => item.ExecutionStarted is not null)?.ExecutionStarted
            ?? throw new ArgumentException("The history has no ExecutionStarted.", nameof(history));
        await using var worker = await ReplayWorker.StartAsync(tasks, converter);
        var turns = Turns(history);
        var past = new List<HistoryEvent>();

        // A rewinding took events out of earlier turns: only the last one is as it was.
        var first = history.Any(static item => item.ExecutionRewound is not null) ? turns.Count - 1 : 0;
        CompleteOrchestrationAction? ended = null;
        foreach (var (index, turn) in turns.Index())
        {
            var events = turn.Where(static item => item.ExecutionCompleted is null).ToList();
            if (index >= first)
            {
                var arrived = events.Where(static item => item.OrchestratorCompleted is null && !IsConfirmation(item));
                var asked = (await worker.RunAsync(started.OrchestrationInstance ?? new(), past, arrived, cancellationToken)).Actions;
                ended = asked.FirstOrDefault(static action => action.CompleteOrchestration is not null)?.CompleteOrchestration;
                if (Difference([.. events.Where(IsConfirmation)], [.. asked.Where(static action => action.CompleteOrchestration is null)], ended) is { } found)
                {
                    return new(started.Name, index + 1, found);
                }
            }

            past.AddRange(events);
        }

        var end = history.LastOrDefault(static item => item.ExecutionCompleted is not null)?.ExecutionCompleted;
        return new(started.Name, turns.Count, EndDifference(end, ended));
    }

    private static bool IsConfirmation(HistoryEvent item)
        => item.EventTypeCase is EventCase.TaskScheduled or EventCase.TimerCreated or EventCase.SubOrchestrationInstanceCreated
            or EventCase.EventSent or EventCase.EntityOperationCalled or EventCase.EntityOperationSignaled or EventCase.EntityLockRequested
            or EventCase.EntityUnlockSent;

    private static List<List<HistoryEvent>> Turns(IReadOnlyList<HistoryEvent> history)
    {
        var turns = new List<List<HistoryEvent>>();
        foreach (var item in history)
        {
            if (item.OrchestratorStarted is not null || turns.Count == 0)
            {
                turns.Add([]);
            }

            turns[^1].Add(item);
        }

        return turns;
    }

    private static string? Difference(List<HistoryEvent> recorded, List<OrchestratorAction> asked, CompleteOrchestrationAction? ended)
    {
        if (ended?.FailureDetails is { } failure && failure.ErrorType.EndsWith(NonDeterministic, StringComparison.Ordinal))
        {
            return failure.ErrorMessage;
        }

        foreach (var item in recorded)
        {
            var (kind, name) = ActionNames.Of(item);
            var action = asked.Find(candidate => candidate.Id == item.EventId);
            if (action is null || !ActionNames.Of(action).Equals((kind, name)))
            {
                var did = action is not null ? $"did {ActionNames.Of(action).Kind} '{ActionNames.Of(action).Name}' there"
                    : ended?.FailureDetails is { } reason ? $"failed: {reason.ErrorType}: {reason.ErrorMessage}"
                    : "did nothing there";
                return $"The history has {item.EventTypeCase} '{name}' (#{item.EventId}), but the code {did}.";
            }
        }

        return asked.Find(action => !recorded.Exists(item => item.EventId == action.Id)) is { } added
            ? $"The code did {ActionNames.Of(added).Kind} '{ActionNames.Of(added).Name}' (#{added.Id}), but the history has nothing there."
            : null;
    }

    private static string? EndDifference(ExecutionCompletedEvent? recorded, CompleteOrchestrationAction? ended) => (recorded, ended) switch
    {
        (null, _) => null,
        (_, null) => $"The history ends as {recorded.OrchestrationStatus}, but the code goes on.",
        _ when recorded.OrchestrationStatus != ended.OrchestrationStatus
            => $"The history ends as {recorded.OrchestrationStatus}, but the code ends as {ended.OrchestrationStatus}.",
        _ when (recorded.Result ?? string.Empty) != (ended.Result ?? string.Empty)
            => $"The history ends with {recorded.Result}, but the code ends with {ended.Result}.",
        _ => null,
    };
}
