using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using P = AiPlatform.DurableTask.Protobuf;
using EventCase = AiPlatform.DurableTask.Protobuf.HistoryEvent.EventTypeOneofCase;

namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>What a replay found.</summary>
/// <param name="Orchestrator">The orchestrator's name.</param>
/// <param name="Turns">Turns that were replayed.</param>
/// <param name="Difference">What the code does otherwise than the history says; null when it does the same.</param>
public sealed record ReplayResult(string Orchestrator, int Turns, string? Difference);

/// <summary>
/// Replays the recorded history of an instance against today's code, turn by turn. Nothing is carried out. Code whose replay
/// differs breaks the instances that run while it is deployed.
/// </summary>
public static class HistoryReplay
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithIndentation());

    /// <summary>Writes a history as JSON.</summary>
    public static string Write(IEnumerable<P.HistoryEvent> history) => Formatter.Format(new P.HistoryChunk { Events = { history } });

    /// <summary>Reads a history that <see cref="Write"/> wrote.</summary>
    /// <exception cref="InvalidProtocolBufferException">It is none.</exception>
    public static IReadOnlyList<P.HistoryEvent> Read(string json) => P.HistoryChunk.Parser.ParseJson(json).Events;

    /// <summary>Replays a history.</summary>
    /// <param name="registry">Has the orchestrator.</param>
    /// <param name="history">The events of one execution.</param>
    /// <param name="services">For the constructors of orchestrators.</param>
    /// <param name="converter">The converter of the worker that recorded it; JSON when null.</param>
    /// <exception cref="ArgumentException">The history does not begin with the start of an execution.</exception>
    public static ReplayResult Run(DurableTaskRegistry registry, IReadOnlyList<P.HistoryEvent> history, IServiceProvider services, DataConverter? converter = null)
    {
        var started = history.FirstOrDefault(item => item.ExecutionStarted is not null)?.ExecutionStarted
            ?? throw new ArgumentException("The history has no ExecutionStarted.", nameof(history));
        var session = new OrchestrationSession(
            started.OrchestrationInstance?.InstanceId ?? string.Empty,
            name => registry.Orchestrators.TryGetValue(name, out var factory) ? factory(services) : null,
            converter ?? JsonDataConverter.Default,
            NullLoggerFactory.Instance);
        var end = history.LastOrDefault(item => item.ExecutionCompleted is not null)?.ExecutionCompleted;

        // A rewinding took events out of earlier turns, so those can only be replayed as one.
        var whole = history.Any(item => item.ExecutionRewound is not null);
        var turns = whole ? [[.. history]] : Turns(history);
        P.CompleteOrchestrationAction? ended = null;
        foreach (var (index, turn) in turns.Index())
        {
            var events = turn.Where(item => item.EventTypeCase is not (EventCase.ExecutionCompleted or EventCase.OrchestratorCompleted))
                .ToLookup(item => !whole && OrchestrationSession.IsConfirmation(item));
            var asked = (whole ? session.Run([.. events[false]], [], string.Empty) : session.Run([], [.. events[false]], string.Empty)).Actions;
            ended = asked.FirstOrDefault(action => action.CompleteOrchestration is not null)?.CompleteOrchestration;
            if (Difference([.. events[true]], [.. asked.Where(action => action.CompleteOrchestration is null)], ended) is { } difference)
            {
                return new(started.Name, index + 1, difference);
            }
        }

        return new(started.Name, turns.Count, EndDifference(end, ended));
    }

    private static List<List<P.HistoryEvent>> Turns(IReadOnlyList<P.HistoryEvent> history)
    {
        var turns = new List<List<P.HistoryEvent>>();
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

    private static string? Difference(List<P.HistoryEvent> recorded, List<P.OrchestratorAction> asked, P.CompleteOrchestrationAction? ended)
    {
        if (ended?.FailureDetails is { } failure && failure.ErrorType == typeof(NonDeterministicOrchestrationException).FullName)
        {
            return failure.ErrorMessage;
        }

        foreach (var item in recorded)
        {
            var (kind, name) = ActionNames.Of(item);
            var action = asked.Find(candidate => candidate.Id == item.EventId);
            if (action is null || !ActionNames.Of(action).Equals((kind, name)))
            {
                var did = action is null ? "nothing" : $"{ActionNames.Of(action).Kind} '{ActionNames.Of(action).Name}'";
                return $"The history has {item.EventTypeCase} '{name}' (#{item.EventId}), but the code did {did} there.";
            }
        }

        return asked.Find(action => !recorded.Exists(item => item.EventId == action.Id)) is { } added
            ? $"The code did {ActionNames.Of(added).Kind} '{ActionNames.Of(added).Name}' (#{added.Id}), but the history has nothing there."
            : null;
    }

    private static string? EndDifference(P.ExecutionCompletedEvent? recorded, P.CompleteOrchestrationAction? ended) => (recorded, ended) switch
    {
        (null, _) => null,
        (_, null) => $"The history ends as {recorded.OrchestrationStatus}, but the code goes on.",
        _ when recorded.OrchestrationStatus != ended.OrchestrationStatus => $"The history ends as {recorded.OrchestrationStatus}, but the code ends as {ended.OrchestrationStatus}.",
        _ when (recorded.Result ?? string.Empty) != (ended.Result ?? string.Empty) => $"The history ends with {recorded.Result}, but the code ends with {ended.Result}.",
        _ => null,
    };
}
