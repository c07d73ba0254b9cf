using System.Collections.Concurrent;
using System.Text.Json;
using AiPlatform.Contracts;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Platform;

/// <summary>
/// The activities that run in this process. A hub that was restarted delivers again what was under way, for it cannot know that it
/// still is: the second delivery waits for the first run, and both answer with its result.
/// </summary>
internal sealed class RunningActivities
{
    private readonly ConcurrentDictionary<(string Instance, string Activity, string Input), Task<object?>> _runs = new();

    /// <summary>Runs an activity, or waits for the run that is under way.</summary>
    public async Task<object?> RunAsync(ITaskActivity activity, TaskActivityContext context, object? input)
    {
        var key = (context.InstanceId, context.Name.Name, JsonSerializer.Serialize(input, ContractsJson.Strict));
        var outcome = new TaskCompletionSource<object?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var first = _runs.GetOrAdd(key, outcome.Task);
        if (first != outcome.Task)
        {
            return await first;
        }

        try
        {
            outcome.SetResult(await activity.RunAsync(context, input));
        }
        catch (Exception exception)
        {
            outcome.SetException(exception);
        }
        finally
        {
            _runs.TryRemove(key, out _);
        }

        return await outcome.Task;
    }
}
