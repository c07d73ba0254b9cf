using System.Reflection;
using AiPlatform.Hosting.TaskHubs;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace AiPlatform.Hosting.Telemetry;

/// <summary>Traces of every process of the platform, by OpenTelemetry.</summary>
public static class TelemetryServices
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string TracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    private const string Ratio = "OTEL_TRACES_SAMPLER_ARG";

    /// <summary>
    /// Exports traces as OpenTelemetry's own variables say (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, <c>_PROTOCOL</c>, <c>_HEADERS</c>, <c>OTEL_BSP_…</c>).
    /// Where no endpoint is named nothing listens, and no span is made.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="service">The process's name among the platform's.</param>
    /// <exception cref="InvalidOperationException"><c>OTEL_TRACES_SAMPLER_ARG</c> is not a number from 0 to 1.</exception>
    public static TBuilder AddTelemetry<TBuilder>(this TBuilder builder, string service)
        where TBuilder : IHostApplicationBuilder
    {
        if (string.IsNullOrEmpty(builder.Configuration[Endpoint]) && string.IsNullOrEmpty(builder.Configuration[TracesEndpoint]))
        {
            return builder;
        }

        var ratio = builder.Configuration.GetValue(Ratio, 1.0);
        if (ratio is not (>= 0 and <= 1))
        {
            throw new InvalidOperationException($"{Ratio} must be a number from 0 to 1.");
        }

        // The Azure SDK makes spans only where this is set, and looks before it makes its first client.
        AppContext.SetSwitch("Azure.Experimental.EnableActivitySource", isEnabled: true);
        var version = Assembly.GetExecutingAssembly().GetName().Version?.ToString(3);
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(service, "aiplatform", version))
            .WithTracing(traces => traces
                .SetSampler(new ParentBasedSampler(new WorkSampler(ratio)))
                .AddAspNetCoreInstrumentation(static options => options.Filter = IsWork)
                .AddSource(Traces.SourceName, "System.Net.Http", "Npgsql", "Azure.Messaging.ServiceBus.*", TaskHubTraces.Source)
                .AddOtlpExporter());
        return builder;
    }

    // Probes and scrapes come every few seconds and say nothing.
    private static bool IsWork(HttpContext context)
        => !context.Request.Path.StartsWithSegments("/health", StringComparison.Ordinal) && !context.Request.Path.StartsWithSegments("/metrics", StringComparison.Ordinal);
}
