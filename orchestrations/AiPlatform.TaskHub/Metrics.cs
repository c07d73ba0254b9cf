using AiPlatform.DurableTask.Protobuf;
using Prometheus;

namespace AiPlatform.TaskHub;

/// <summary>What <c>/metrics</c> shows of the engine.</summary>
internal static class Metrics
{
    private static readonly Counter EndedInstances = Prometheus.Metrics.CreateCounter("taskhub_instances_ended_total", "Instances that ended.", "status");

    public static Counter TurnsSent { get; } = Prometheus.Metrics.CreateCounter("taskhub_turns_sent_total", "Orchestrator turns sent to workers.");

    public static Counter TurnsCompleted { get; } = Prometheus.Metrics.CreateCounter("taskhub_turns_completed_total", "Orchestrator turns recorded.");

    public static Counter ActivitiesSent { get; } = Prometheus.Metrics.CreateCounter("taskhub_activities_sent_total", "Activities sent to workers.");

    public static Counter ActivitiesCompleted { get; } = Prometheus.Metrics.CreateCounter("taskhub_activities_completed_total", "Activity results recorded.");

    public static Counter LeasesLost { get; } = Prometheus.Metrics.CreateCounter("taskhub_leases_lost_total", "Work items taken back from lost workers.");

    public static Counter Abandoned { get; } = Prometheus.Metrics.CreateCounter("taskhub_abandoned_total", "Work items given back by workers.");

    public static Histogram GroupSize { get; } = Prometheus.Metrics.CreateHistogram(
        "taskhub_commit_group_size", "Commits that shared one transaction.", new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(1, 2, 10) });

    public static Gauge LiveInstances { get; } = Prometheus.Metrics.CreateGauge("taskhub_live_instances", "Instances that have not ended.", "hub");

    public static Gauge WaitingTurns { get; } = Prometheus.Metrics.CreateGauge("taskhub_waiting_turns", "Orchestrator turns that wait for a worker.", "hub");

    public static Gauge WaitingActivities { get; } = Prometheus.Metrics.CreateGauge("taskhub_waiting_activities", "Activities that wait for a worker.", "hub");

    public static Gauge Workers { get; } = Prometheus.Metrics.CreateGauge("taskhub_workers", "Connected workers.", "hub");

    public static void Ended(OrchestrationStatus status) => EndedInstances.WithLabels(status.ToString()).Inc();
}
