using System.Globalization;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <content>Results of activities.</content>
internal sealed partial class HubEngine
{
    // Deliveries that have not been answered, by token; also those whose instance has ended, so that the worker's slot is freed.
    private readonly Dictionary<string, PendingActivity> _leased = new(StringComparer.Ordinal);

    /// <summary>
    /// Records the result of an activity. The first result counts, whichever delivery it is from, and whether or not the hub was
    /// restarted in between; a repetition gets the same answer.
    /// </summary>
    /// <exception cref="StaleTokenException">Nobody waits for this result.</exception>
    public Task CompleteActivityAsync(ActivityResponse response)
    {
        lock (_gate)
        {
            if (_recent.Find(response.CompletionToken) is { } earlier)
            {
                return earlier;
            }

            var activity = TakeLease(response.CompletionToken);
            if (activity?.Result is { } other)
            {
                return other;
            }

            if (activity is not { IsWanted: true })
            {
                PumpAll();
                throw new StaleTokenException();
            }

            var instance = activity.Instance;
            var result = new HistoryEvent { EventId = -1, Timestamp = Timestamp.FromDateTime(Now) };
            if (response.FailureDetails is { } failure)
            {
                result.TaskFailed = new() { TaskScheduledId = activity.TaskId, FailureDetails = failure };
            }
            else
            {
                result.TaskCompleted = new() { TaskScheduledId = activity.TaskId, Result = response.Result };
            }

            var commit = new Commit();
            Append(commit, instance, result);
            activity.Result = Write(commit, instance);
            _recent.Add(response.CompletionToken, activity.Result);
            Metrics.ActivitiesCompleted.Inc();
            return activity.Result;
        }
    }

    /// <summary>A worker gives an activity back; another delivery follows after a wait that grows.</summary>
    public void AbandonActivity(string token)
    {
        lock (_gate)
        {
            if (TakeLease(token) is { IsWanted: true } activity && activity.Token == token)
            {
                Metrics.Abandoned.Inc();
                activity.Abandon(Now);
                _deadlines.Add(Now + AbandonDelay(activity.Abandonments), () =>
                {
                    if (activity.IsWanted && activity.Worker is null)
                    {
                        EnqueueActivity(activity);
                    }
                });
            }

            PumpAll();
        }
    }

    /// <summary>Gives back an item that could not be sent.</summary>
    /// <exception cref="StaleTokenException">It was taken back already.</exception>
    public void Abandon(WorkItem item)
    {
        switch (item.RequestCase)
        {
            case WorkItem.RequestOneofCase.ActivityRequest:
                AbandonActivity(item.CompletionToken);
                break;
            case WorkItem.RequestOneofCase.OrchestratorRequest:
                AbandonTurn(item.CompletionToken);
                break;
            case WorkItem.RequestOneofCase.EntityRequest or WorkItem.RequestOneofCase.EntityRequestV2:
                AbandonEntity(item.CompletionToken);
                break;
            default:
                break;
        }
    }

    /// <summary>The activity of a token, freed from its worker; null when there is none. Called under the lock.</summary>
    private PendingActivity? TakeLease(string token)
    {
        if (!_leased.Remove(token, out var activity))
        {
            activity = FindByToken(token);
        }

        if (activity?.Worker is { } worker && activity.Token == token)
        {
            worker.Activities.Remove(activity);
            activity.Worker = null;
        }

        return activity;
    }

    /// <summary>A token of before a restart still says which activity it is for.</summary>
    private PendingActivity? FindByToken(string token)
    {
        var parts = token.Split(':', 6);
        return parts.Length == 6 && parts[0] == "a"
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var key)
            && int.TryParse(parts[3], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var taskId)
            && _byKey.TryGetValue(key, out var instance)
            && instance.Activities.TryGetValue(taskId, out var activity)
            && activity.ExecutionId == parts[5]
                ? activity
                : null;
    }
}

/// <summary>A completion or abandonment whose work item was delivered again, done or cancelled in the meantime. Nothing was changed.</summary>
internal sealed class StaleTokenException() : Exception("The work item was delivered again, done or cancelled in the meantime.");
