using Prometheus;

namespace AiPlatform.Kernel.Delivery;

/// <summary>What is measured of every channel.</summary>
internal static class DeliveryMetrics
{
    public const string Delivered = "delivered";
    public const string Failed = "failed";
    public const string Parked = "parked";

    /// <summary>Outcomes: delivered, failed (and repeated), parked (and given up).</summary>
    public static readonly Counter Attempts = Metrics.CreateCounter("aiplatform_delivery_attempts_total", "Attempts to deliver.", "channel", "outcome");

    public static readonly Histogram Seconds = Metrics.CreateHistogram("aiplatform_delivery_seconds", "How long attempts to deliver took.", ["channel"]);

    public static readonly Gauge InFlight = Metrics.CreateGauge("aiplatform_deliveries_in_flight", "Deliveries that this process holds under lease.", "channel");

    public static readonly Gauge Waiting = Metrics.CreateGauge("aiplatform_deliveries_waiting", "Deliveries that wait, as of the last tick; counting ends at 10,000.", "channel");

    public static readonly Gauge ParkedNow = Metrics.CreateGauge("aiplatform_deliveries_parked", "Deliveries that were given up, as of the last tick; counting ends at 10,000.", "channel");
}
