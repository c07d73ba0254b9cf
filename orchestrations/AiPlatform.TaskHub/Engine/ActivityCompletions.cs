using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Storage;
using Google.Protobuf.WellKnownTypes;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Results of activities.</summary>
internal sealed class ActivityCompletions(EngineContext context, ActivityDelivery activities, Instances instances, Workers workers)
{
    /// <summary>
    /// Records the result of an activity. The first result counts, whichever delivery it is from, and whether or not the hub was
    /// restarted in between; a repetition gets the same answer.
    /// </summary>
    /// <exception cref="StaleTokenException">Nobody waits for this result.</exception>
    public Task CompleteAsync(ActivityResponse response)
    {
        lock (context.Gate)
        {
            if (context.Recent.Find(response.CompletionToken) is { } earlier)
            {
                return earlier;
            }

            var activity = activities.Take(response.CompletionToken);
            if (activity?.Result is { } other)
            {
                return other;
            }

            if (activity is not { IsWanted: true })
            {
                workers.PumpAll();
                throw new StaleTokenException();
            }

            var instance = activity.Instance;
            var result = new HistoryEvent { EventId = -1, Timestamp = Timestamp.FromDateTime(context.Now) };
            if (response.FailureDetails is { } failure)
            {
                result.TaskFailed = new() { TaskScheduledId = activity.TaskId, FailureDetails = failure };
            }
            else
            {
                result.TaskCompleted = new() { TaskScheduledId = activity.TaskId, Result = response.Result };
            }

            var commit = new Commit();
            instances.Append(commit, instance, result);
            activity.Result = context.Write(commit, instance);
            context.Recent.Add(response.CompletionToken, activity.Result);
            Metrics.ActivitiesCompleted.Inc();
            return activity.Result;
        }
    }

    /// <summary>A worker gives an activity back; another delivery follows after a wait that grows.</summary>
    public void Abandon(string token)
    {
        lock (context.Gate)
        {
            if (activities.Take(token) is { IsWanted: true } activity && activity.Token == token)
            {
                Metrics.Abandoned.Inc();
                activity.Abandon(context.Now);
                context.Deadlines.Add(context.Now + Redelivery.DelayAfter(activity.Abandonments), () =>
                {
                    if (activity.IsWanted && activity.Worker is null)
                    {
                        activities.Enqueue(activity);
                    }
                });
            }

            workers.PumpAll();
        }
    }
}
