using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Platform;

/// <summary>How the platform's activities are registered with the durable worker.</summary>
internal static class PlatformActivities
{
    /// <summary>Adds an activity under its type's name; of what is delivered twice at a time it makes one run.</summary>
    public static DurableTaskRegistry AddPlatformActivity<TActivity>(this DurableTaskRegistry registry)
        where TActivity : class, ITaskActivity
        => registry.AddActivity(typeof(TActivity).Name, static services => new OneRun(
            ActivatorUtilities.CreateInstance<TActivity>(services), services.GetRequiredService<RunningActivities>()));

    private sealed class OneRun(ITaskActivity activity, RunningActivities running) : ITaskActivity
    {
        public Type InputType => activity.InputType;

        public Type OutputType => activity.OutputType;

        public Task<object?> RunAsync(TaskActivityContext context, object? input) => running.RunAsync(activity, context, input);
    }
}
