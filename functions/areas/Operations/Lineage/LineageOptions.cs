namespace AiPlatform.Operations.Lineage;

/// <summary>Section <c>Lineage</c>: how the platform speaks OpenLineage with other tools.</summary>
internal sealed class LineageOptions
{
    public const string Section = "Lineage";

    /// <summary>Before the project's name in the namespaces of our jobs and datasets, in both directions: <c>{Namespace}/{project}</c>.</summary>
    public string Namespace { get; set; } = "aiplatform";

    /// <summary>The URI that names this producer in events and facets.</summary>
    public string Producer { get; set; } = "urn:aiplatform:functions";

    /// <summary>Hosts of receivers that may be called although they lead into private networks.</summary>
    public string[] AllowedPrivateHosts { get; set; } = [];

    /// <summary>How long one delivery may take.</summary>
    public TimeSpan DeliveryTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Before the second attempt of a delivery; doubles up to <see cref="LongestRetry"/>, with jitter.</summary>
    public TimeSpan FirstRetry { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between two attempts.</summary>
    public TimeSpan LongestRetry { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Attempts after which an event is parked: about a day.</summary>
    public int MaxAttempts { get; set; } = 36;

    /// <summary>How long received events are kept; the edges that they brought stay.</summary>
    public TimeSpan Events { get; set; } = TimeSpan.FromDays(90);
}
