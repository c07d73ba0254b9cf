namespace AiPlatform.Registry.Webhooks;

/// <summary>Section <c>Webhooks</c>.</summary>
internal sealed class WebhookOptions
{
    public const string Section = "Webhooks";

    private static readonly TimeSpan[] Standard =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5), TimeSpan.FromHours(10),
        TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    /// <summary>Hosts (names or addresses, as in the URL) that may be called although they lead into private networks.</summary>
    public string[] AllowedPrivateHosts { get; set; } = [];

    /// <summary>How long a receiver may take to answer.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Pauses between attempts, each lengthened by up to a fifth; after the last one a delivery is given up. Empty: those of Standard Webhooks, from 5 seconds to 24 hours.</summary>
    public TimeSpan[] Retries { get; set; } = [];

    /// <summary>How long deliveries that were given up can be looked at.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Most webhooks of one project.</summary>
    public int MaxWebhooks { get; set; } = 100;

    /// <summary>The pauses that hold.</summary>
    public IReadOnlyList<TimeSpan> Pauses => Retries.Length > 0 ? Retries : Standard;
}
