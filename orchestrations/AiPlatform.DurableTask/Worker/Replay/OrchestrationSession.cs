using Microsoft.Extensions.Logging;
using ActionCase = AiPlatform.DurableTask.Protobuf.OrchestratorAction.OrchestratorActionTypeOneofCase;
using EventCase = AiPlatform.DurableTask.Protobuf.HistoryEvent.EventTypeOneofCase;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>
/// One execution of an orchestrator in memory. It is built by replaying a history and then goes on with new events; while it is
/// kept, later turns need no replay.
/// </summary>
internal sealed class OrchestrationSession(
    string instanceId, Func<TaskName, ITaskOrchestrator?> find, DataConverter converter, ILoggerFactory loggerFactory)
{
    private readonly OrchestrationContext _context = new(instanceId, converter, loggerFactory);
    private readonly TurnSynchronizationContext _thread = new();
    private readonly List<P.HistoryEvent> _heldBack = [];
    private Task<object?>? _run;
    private P.CompleteOrchestrationAction? _end;
    private bool _suspended;

    /// <summary>The completion token of the last turn; the next work item may name it.</summary>
    public string LastToken { get; private set; } = string.Empty;

    /// <summary>The execution has ended; the session is of no more use.</summary>
    public bool IsOver => _end is not null;

    /// <summary>Runs one turn.</summary>
    /// <param name="past">The history; empty when the session goes on from its last turn.</param>
    /// <param name="newEvents">What happened since.</param>
    /// <param name="completionToken">The work item's token.</param>
    /// <returns>The actions that the orchestrator asks for.</returns>
    public P.OrchestratorResponse Run(IEnumerable<P.HistoryEvent> past, IEnumerable<P.HistoryEvent> newEvents, string completionToken)
    {
        try
        {
            Process(past, replaying: true);
            Process(newEvents, replaying: false);
            CheckDurable();
        }
        catch (NonDeterministicOrchestrationException exception)
        {
            _end = Failed(exception);
        }

        LastToken = completionToken;
        var response = new P.OrchestratorResponse { InstanceId = instanceId, CompletionToken = completionToken, CustomStatus = _context.CustomStatus };
        response.Actions.AddRange(_context.Actions.Values);
        if (_end is not null)
        {
            // A turn that ends the execution still carries out what needs no answer.
            if (_end.FailureDetails is not null && _end.FailureDetails.ErrorType == typeof(NonDeterministicOrchestrationException).FullName)
            {
                response.Actions.Clear();
            }

            response.Actions.Add(new P.OrchestratorAction { Id = _context.NextId(), CompleteOrchestration = _end });
        }

        // The hub confirms them by recording the turn; a session that goes on does not see that.
        _context.Actions.Clear();
        return response;
    }

    private void Process(IEnumerable<P.HistoryEvent> events, bool replaying)
    {
        _context.SetReplaying(replaying);
        foreach (var item in events)
        {
            if (_suspended && item.EventTypeCase is not (EventCase.ExecutionResumed or EventCase.ExecutionTerminated or EventCase.OrchestratorStarted)
                && !IsConfirmation(item))
            {
                _heldBack.Add(item);
                continue;
            }

            Process(item);
        }
    }

    private static bool IsConfirmation(P.HistoryEvent item)
        => item.EventTypeCase is EventCase.TaskScheduled or EventCase.TimerCreated or EventCase.SubOrchestrationInstanceCreated or EventCase.EventSent;

    private void Process(P.HistoryEvent item)
    {
        if (_end is not null)
        {
            // The code has ended; only events that the next execution may want still matter, and contradictions of the history.
            if (item.EventRaised is not null)
            {
                _context.Events.Receive(item);
                EndIfDone();
            }
            else if (IsConfirmation(item))
            {
                Confirm(item);
            }

            return;
        }

        _thread.Run(() => Apply(item));
        if (_thread.IsViolated)
        {
            throw new NonDeterministicOrchestrationException(
                "The orchestrator awaited something that is not of its context (I/O, Task.Run, Task.Delay, ConfigureAwait(false)): it cannot be replayed.");
        }

        EndIfDone();
    }

    private void Apply(P.HistoryEvent item)
    {
        switch (item.EventTypeCase)
        {
            case EventCase.OrchestratorStarted:
                _context.BeginTurn(item.Timestamp.ToDateTime());
                break;
            case EventCase.ExecutionStarted:
                Start(item.ExecutionStarted);
                break;
            case EventCase.TaskScheduled or EventCase.TimerCreated or EventCase.SubOrchestrationInstanceCreated or EventCase.EventSent:
                Confirm(item);
                break;
            case EventCase.TaskCompleted:
                Answer(item.TaskCompleted.TaskScheduledId)?.Complete(item.TaskCompleted.Result);
                break;
            case EventCase.TaskFailed:
                Answer(item.TaskFailed.TaskScheduledId)?.Fail(Details(item.TaskFailed.FailureDetails));
                break;
            case EventCase.SubOrchestrationInstanceCompleted:
                Answer(item.SubOrchestrationInstanceCompleted.TaskScheduledId)?.Complete(item.SubOrchestrationInstanceCompleted.Result);
                break;
            case EventCase.SubOrchestrationInstanceFailed:
                Answer(item.SubOrchestrationInstanceFailed.TaskScheduledId)?.Fail(Details(item.SubOrchestrationInstanceFailed.FailureDetails));
                break;
            case EventCase.TimerFired:
                Answer(item.TimerFired.TimerId)?.Complete(null);
                break;
            case EventCase.EventRaised:
                _context.Events.Receive(item);
                break;
            case EventCase.ExecutionSuspended:
                _suspended = true;
                break;
            case EventCase.ExecutionResumed:
                Resume();
                break;
            case EventCase.ExecutionTerminated:
                _end = new() { OrchestrationStatus = P.OrchestrationStatus.Terminated, Result = item.ExecutionTerminated.Input };
                break;
            default:
                // The rest of the history is for people.
                break;
        }
    }

    private void Start(P.ExecutionStartedEvent started)
    {
        _context.Begin(started);
        if (find(started.Name) is not { } orchestrator)
        {
            _end = new()
            {
                OrchestrationStatus = P.OrchestrationStatus.Failed,
                FailureDetails = new() { ErrorType = "OrchestratorTaskNotFound", ErrorMessage = $"No orchestrator named '{started.Name}' is registered.", IsNonRetriable = true },
            };
            return;
        }

        _run = RunAsync(orchestrator);
    }

    private async Task<object?> RunAsync(ITaskOrchestrator orchestrator) => await orchestrator.RunAsync(_context, _context.GetInput(orchestrator.InputType));

    private void Resume()
    {
        _suspended = false;
        foreach (var item in _heldBack)
        {
            Apply(item);
        }

        _heldBack.Clear();
    }

    private OpenTask? Answer(int id) => _context.Open.Remove(id, out var task) ? task : null;

    private static TaskFailureDetails Details(P.TaskFailureDetails? details)
        => TaskFailureDetails.FromProto(details) ?? new TaskFailureDetails("Unknown", "The task failed without details.", null, null);

    /// <summary>The history says that an action was asked for: the code must have asked for the same.</summary>
    private void Confirm(P.HistoryEvent item)
    {
        var (kind, name) = item.EventTypeCase switch
        {
            EventCase.TaskScheduled => (ActionCase.ScheduleTask, item.TaskScheduled.Name),
            EventCase.TimerCreated => (ActionCase.CreateTimer, string.Empty),
            EventCase.SubOrchestrationInstanceCreated => (ActionCase.CreateSubOrchestration, item.SubOrchestrationInstanceCreated.Name),
            _ => (ActionCase.SendEvent, item.EventSent.Name),
        };
        if (!_context.Actions.Remove(item.EventId, out var action))
        {
            throw new NonDeterministicOrchestrationException($"The history has {item.EventTypeCase} '{name}' (#{item.EventId}), but the orchestrator's code did nothing there.");
        }

        var did = action.OrchestratorActionTypeCase switch
        {
            ActionCase.ScheduleTask => action.ScheduleTask.Name,
            ActionCase.CreateSubOrchestration => action.CreateSubOrchestration.Name,
            ActionCase.SendEvent => action.SendEvent.Name,
            _ => string.Empty,
        };
        if (action.OrchestratorActionTypeCase != kind || !string.Equals(did, name, StringComparison.OrdinalIgnoreCase))
        {
            throw new NonDeterministicOrchestrationException(
                $"The history has {item.EventTypeCase} '{name}' (#{item.EventId}), but the orchestrator's code did {action.OrchestratorActionTypeCase} '{did}' there.");
        }
    }

    private void EndIfDone()
    {
        if (_run is not { IsCompleted: true })
        {
            return;
        }

        if (!_run.IsCompletedSuccessfully)
        {
            _end = Failed(_run.Exception?.InnerException ?? new TaskCanceledException(_run));
        }
        else if (_context.Continuation is { } next)
        {
            _end = new() { OrchestrationStatus = P.OrchestrationStatus.ContinuedAsNew, Result = next.Input };
            if (next.PreserveEvents)
            {
                _end.CarryoverEvents.AddRange(_context.Events.Unprocessed);
            }
        }
        else
        {
            // The task has ended: this does not wait.
            _end = new() { OrchestrationStatus = P.OrchestrationStatus.Completed, Result = converter.Serialize(_run.GetAwaiter().GetResult()) };
        }
    }

    private void CheckDurable()
    {
        if (_end is null && _run is { IsCompleted: false } && _context.Open.Count == 0 && !_context.Events.IsAwaited && !_suspended)
        {
            throw new NonDeterministicOrchestrationException(
                "The orchestrator waits for something that is not of its context (I/O, Task.Run, Task.Delay): it can never go on.");
        }
    }

    private static P.CompleteOrchestrationAction Failed(Exception exception)
        => new() { OrchestrationStatus = P.OrchestrationStatus.Failed, FailureDetails = TaskFailureDetails.FromException(exception).ToProto() };
}
