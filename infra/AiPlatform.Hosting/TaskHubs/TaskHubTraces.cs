using System.Diagnostics;

namespace AiPlatform.Hosting.TaskHubs;

/// <summary>Traces through a task hub: clients and workers make spans only if somebody listens.</summary>
internal static class TaskHubTraces
{
    /// <summary>The source of the spans; exporters listen to it.</summary>
    public const string Source = "Microsoft.DurableTask";

    private static readonly Lazy<ActivityListener> Listener = new(static () =>
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == Source,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.PropagationData,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    });

    /// <summary>Lets the trace of who starts an orchestration reach what its activities call, although nobody may export it.</summary>
    public static void Propagate() => _ = Listener.Value;
}
