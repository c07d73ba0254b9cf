using Microsoft.Extensions.Logging;
using EventCase = AiPlatform.DurableTask.Protobuf.HistoryEvent.EventTypeOneofCase;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>
/// One execution of an orchestrator in memory. It is built by replaying a history and then goes on with new events; while it is
/// kept, later turns need no replay.
/// </summary>
internal sealed class OrchestrationSession(
    string instanceId, Func<TaskName, ITaskOrchestrator?> find, DataConverter converter, ILoggerFactory loggerFactory, string defaultVersion = "")
{
    private readonly OrchestrationContext _context = new(instanceId, converter, loggerFactory, defaultVersion);
    private readonly TurnSynchronizationContext _thread = new();
    private readonly List<P.HistoryEvent> _heldBack = [];
    private Task<object?>? _run;
    private P.HistoryEvent? _started;
    private P.CompleteOrchestrationAction? _end;
    private bool _suspended;
    private bool _rewound;

    /// <summary>The completion token of the last turn; the next work item may name it.</summary>
    public string LastToken { get; private set; } = string.Empty;

    /// <summary>The execution has ended; the session is of no more use.</summary>
    public bool IsOver => _end is not null;

    /// <summary>Runs one turn.</summary>
    /// <param name="past">The history; empty when the session goes on from its last turn.</param>
    /// <param name="newEvents">What happened since.</param>
    /// <param name="completionToken">The work item's token.</param>
    /// <returns>The actions that the orchestrator asks for.</returns>
    public P.OrchestratorResponse Run(IReadOnlyCollection<P.HistoryEvent> past, IReadOnlyCollection<P.HistoryEvent> newEvents, string completionToken)
    {
        try
        {
            _rewound |= past.Concat(newEvents).Any(item => item.ExecutionRewound is not null);
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

    /// <summary>Emits the span of the execution, which has ended.</summary>
    public void EmitSpan()
    {
        if (_started is not null && _end is not null)
        {
            DurableTaskTracing.EmitExecution(_started.ExecutionStarted, instanceId, _started.Timestamp?.ToDateTime() ?? default, _end);
        }
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

    /// <summary>Whether an event records an action of the orchestrator.</summary>
    internal static bool IsConfirmation(P.HistoryEvent item)
        => item.EventTypeCase is EventCase.TaskScheduled or EventCase.TimerCreated or EventCase.SubOrchestrationInstanceCreated or EventCase.EventSent
            or EventCase.EntityOperationCalled or EventCase.EntityOperationSignaled or EventCase.EntityLockRequested or EventCase.EntityUnlockSent;

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
                CheckConfirmed();
                _context.BeginTurn(item.Timestamp.ToDateTime());
                break;
            case EventCase.ExecutionStarted:
                _started = item;
                Start(item.ExecutionStarted);
                break;
            case var _ when IsConfirmation(item):
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
            case EventCase.EntityOperationCompleted:
                _context.EntityCalls.Complete(item.EntityOperationCompleted.RequestId, item.EntityOperationCompleted.Output);
                break;
            case EventCase.EntityOperationFailed:
                _context.EntityCalls.Fail(item.EntityOperationFailed.RequestId, Details(item.EntityOperationFailed.FailureDetails));
                break;
            case EventCase.EntityLockGranted:
                _context.EntityCalls.Grant(item.EntityLockGranted.CriticalSectionId);
                break;
            case EventCase.ExecutionSuspended:
                _suspended = true;
                break;
            case EventCase.ExecutionResumed:
                Resume();
                break;
            case EventCase.ExecutionTerminated:
                _context.ExitCriticalSection();
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

    private async Task<object?> RunAsync(ITaskOrchestrator orchestrator)
    {
        try
        {
            return await orchestrator.RunAsync(_context, _context.GetInput(orchestrator.InputType));
        }
        finally
        {
            _context.ExitCriticalSection();
        }
    }

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
        var (kind, name) = ActionNames.Of(item);
        if (!_context.Actions.Remove(item.EventId, out var action))
        {
            throw new NonDeterministicOrchestrationException($"The history has {item.EventTypeCase} '{name}' (#{item.EventId}), but the orchestrator's code did nothing there.");
        }

        var (did, target) = ActionNames.Of(action);
        if (did != kind || !string.Equals(target, name, StringComparison.OrdinalIgnoreCase))
        {
            throw new NonDeterministicOrchestrationException(
                $"The history has {item.EventTypeCase} '{name}' (#{item.EventId}), but the orchestrator's code did {did} '{target}' there.");
        }
    }

    /// <summary>A turn that the history has ended must have recorded all that the code asked for in it; a rewinding takes some out again.</summary>
    private void CheckConfirmed()
    {
        if (_context.IsReplaying && !_rewound && _context.Actions.Count > 0)
        {
            var (id, action) = _context.Actions.First();
            var (did, target) = ActionNames.Of(action);
            throw new NonDeterministicOrchestrationException($"The orchestrator's code did {did} '{target}' (#{id}), but the history has nothing there.");
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
            _end.NewVersion = next.Version;
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
        if (_end is null && _run is { IsCompleted: false } && !_context.IsAwaiting && !_suspended)
        {
            throw new NonDeterministicOrchestrationException(
                "The orchestrator waits for something that is not of its context (I/O, Task.Run, Task.Delay): it can never go on.");
        }
    }

    private static P.CompleteOrchestrationAction Failed(Exception exception)
        => new() { OrchestrationStatus = P.OrchestrationStatus.Failed, FailureDetails = TaskFailureDetails.FromException(exception).ToProto() };
}
