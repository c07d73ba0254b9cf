using AiPlatform.TaskHub.Protobuf;
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

    public static Counter BatchesSent { get; } = Prometheus.Metrics.CreateCounter("taskhub_entity_batches_sent_total", "Entity batches sent to workers.");

    public static Counter BatchesCompleted { get; } = Prometheus.Metrics.CreateCounter("taskhub_entity_batches_completed_total", "Entity batches recorded.");

    public static Counter LeasesLost { get; } = Prometheus.Metrics.CreateCounter("taskhub_leases_lost_total", "Work items taken back from lost workers.");

    public static Counter PartitionsReleased { get; } = Prometheus.Metrics.CreateCounter("taskhub_partitions_released_total", "Partitions given to other processes.");

    public static Counter OwnershipLost { get; } = Prometheus.Metrics.CreateCounter("taskhub_ownership_lost_total", "Times that partitions were lost to another process or the writer failed.");

    public static Gauge OwnedPartitions { get; } = Prometheus.Metrics.CreateGauge("taskhub_owned_partitions", "Partitions that this process owns.");

    public static Counter Parked { get; } = Prometheus.Metrics.CreateCounter("taskhub_parked_total", "Work items parked after too many deliveries.");

    public static Counter PayloadsStored { get; } = Prometheus.Metrics.CreateCounter("taskhub_payloads_stored_total", "Large payloads written to Blob storage.");

    public static Counter PayloadBytes { get; } = Prometheus.Metrics.CreateCounter("taskhub_payload_bytes_total", "Bytes of large payloads written to Blob storage.");

    public static Counter PayloadsRemoved { get; } = Prometheus.Metrics.CreateCounter("taskhub_payloads_removed_total", "Large payloads removed because nothing named them any more.");

    public static Histogram ReplayEvents { get; } = Prometheus.Metrics.CreateHistogram(
        "taskhub_replay_events", "Events of the past that a turn was sent with.", new HistogramConfiguration { Buckets = [0, 10, 100, 1000, 10_000, 100_000] });

    public static Gauge ParkedItems { get; } = Prometheus.Metrics.CreateGauge("taskhub_parked_items", "Work items that are parked.", "hub");

    public static Gauge OldestTurn { get; } = Prometheus.Metrics.CreateGauge("taskhub_oldest_waiting_turn_seconds", "Age of the turn that has waited longest for a worker.", "hub");

    public static Gauge OldestActivity { get; } = Prometheus.Metrics.CreateGauge("taskhub_oldest_waiting_activity_seconds", "Age of the activity that has waited longest for a worker.", "hub");

    public static Counter Abandoned { get; } = Prometheus.Metrics.CreateCounter("taskhub_abandoned_total", "Work items given back by workers.");

    public static Histogram GroupSize { get; } = Prometheus.Metrics.CreateHistogram(
        "taskhub_commit_group_size", "Commits that shared one transaction.", new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(1, 2, 10) });

    public static Gauge LiveInstances { get; } = Prometheus.Metrics.CreateGauge("taskhub_live_instances", "Instances that have not ended.", "hub");

    public static Gauge WaitingTurns { get; } = Prometheus.Metrics.CreateGauge("taskhub_waiting_turns", "Orchestrator turns that wait for a worker.", "hub");

    public static Gauge WaitingActivities { get; } = Prometheus.Metrics.CreateGauge("taskhub_waiting_activities", "Activities that wait for a worker.", "hub");

    public static Gauge WaitingEntities { get; } = Prometheus.Metrics.CreateGauge("taskhub_waiting_entities", "Entities with operations that wait for a worker.", "hub");

    public static Gauge Workers { get; } = Prometheus.Metrics.CreateGauge("taskhub_workers", "Connected workers.", "hub");

    public static void Ended(OrchestrationStatus status) => EndedInstances.WithLabels(status.ToString()).Inc();
}
