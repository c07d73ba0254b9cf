using System.Diagnostics;

namespace AiPlatform.Hosting.Telemetry;

/// <summary>The platform's own spans: what no framework knows of. Without an exporter there are none.</summary>
public static class Traces
{
    /// <summary>The source of the spans.</summary>
    public const string SourceName = "AiPlatform";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Starts a span, which becomes the current one; null when nobody listens.</summary>
    /// <param name="traceparent">What it goes on from, as W3C writes it; null: from the current span, or from nothing.</param>
    public static Activity? Start(string name, ActivityKind kind, string? traceparent = null)
        => traceparent is null ? Source.StartActivity(name, kind) : Source.StartActivity(name, kind, traceparent);

    /// <summary>Starts a span as <see cref="Start"/> does; when nobody listens, one that nobody sees but whose trace goes on in what is called from here.</summary>
    public static Activity Continue(string name, ActivityKind kind, string? traceparent)
    {
        if (Start(name, kind, traceparent) is { } span)
        {
            return span;
        }

        var carrier = new Activity(name);
        if (traceparent is not null)
        {
            carrier.SetParentId(traceparent);
        }

        return carrier.Start();
    }
}
