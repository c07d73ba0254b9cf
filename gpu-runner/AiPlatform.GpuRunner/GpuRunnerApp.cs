using AiPlatform.Client;
using AiPlatform.GpuRunner.Detect;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Report;
using AiPlatform.GpuRunner.Sample;
using AiPlatform.GpuRunner.Tasks;
using AiPlatform.GpuRunner.Workspace;
using AiPlatform.Hosting;
using AiPlatform.Hosting.ServiceBus;
using AiPlatform.Hosting.Telemetry;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner;

/// <summary>The runner as an application that a process or a test hosts.</summary>
public static class GpuRunnerApp
{
    /// <summary>Builds the runner from configuration section <c>Runner</c> and what <see cref="ServiceBusConnection"/> reads.</summary>
    /// <param name="args">Command line, as configuration.</param>
    public static WebApplication Build(string[] args) => Build(args, static _ => { });

    /// <summary>As <see cref="Build(string[])"/>; a test may put its own queue in place.</summary>
    internal static WebApplication Build(string[] args, Action<IServiceCollection> configure)
    {
        // The program's own folder, so that settings beside it are found wherever the process was started.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory })
            .AddTelemetry("runner");
        builder.Services.AddOptions<RunnerOptions>().Bind(builder.Configuration.GetSection(RunnerOptions.Section))
            .PostConfigure(static options => options.DataDirectory = Path.GetFullPath(options.DataDirectory))
            .ValidateDataAnnotations().ValidateOnStart();
        if (builder.Configuration.GetValue<int?>($"{RunnerOptions.Section}:{nameof(RunnerOptions.HttpPort)}") is { } port)
        {
            builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        }

        // Probes and scrapes would fill the log.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        configure(builder.Services);
        builder.Services.AddRunner(
            builder.Configuration,
            builder.Configuration.GetValue($"{RunnerOptions.Section}:{nameof(RunnerOptions.MaxTasks)}", new RunnerOptions().MaxTasks));

        var app = builder.Build();
        app.MapHealthChecks("/health", new() { Predicate = static _ => false });
        app.MapHealthChecks("/health/ready");
        app.MapGet("/metrics", static (MetricsText metrics) => Results.Text(metrics.Write(), "text/plain; version=0.0.4"))
            .RequireBearer(app.Configuration[BearerEndpoints.MetricsToken]);
        return app;
    }

    private static void AddRunner(this IServiceCollection services, IConfiguration configuration, int tasks)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<RunnerIdentity>();
        services.AddSingleton<RunnerHttp>();
        services.AddSingleton<ITokenSource>(static provider =>
        {
            var options = provider.GetRequiredService<IOptions<RunnerOptions>>().Value;
            return new ServiceTokenSource(provider.GetRequiredService<RunnerHttp>().Api, "runner", options.ClientSecret, provider.GetRequiredService<TimeProvider>());
        });
        services.AddSingleton(static provider => new AiPlatformClient(
            provider.GetRequiredService<RunnerHttp>().Api, provider.GetRequiredService<ITokenSource>(), maxAttempts: 1));

        services.AddSingleton(_ => ServiceBusConnection.Create(configuration));
        services.TryAddSingleton<INodeQueue, ServiceBusNodeQueue>();
        services.TryAddSingleton<IJobEventSink, ServiceBusJobEventSink>();

        services.AddSingleton<DeviceDetector>();
        services.AddSingleton<DeviceSampler>();
        services.AddSingleton<MetricsText>();
        services.AddSingleton<GpuAllocator>();
        services.AddSingleton<BlobDownloader>();
        services.AddSingleton<DatasetCache>();
        services.AddSingleton<WorkspaceStager>();
        services.AddSingleton<NodeJournalFactory>();
        services.AddSingleton<IsolationCheck>();
        services.AddSingleton<NodeServices>();
        services.AddSingleton<ActiveNodes>();
        services.AddSingleton<Registration>();
        services.AddSingleton(static provider => new Trash(
            provider.GetRequiredService<IOptions<RunnerOptions>>().Value.DataDirectory, provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<Trash>>()));

        // Started in this order: orphans end before the platform hears of the new session, and before work is taken.
        services.AddHostedService(static provider => provider.GetRequiredService<IsolationCheck>());
        services.AddHostedService<Leftovers>();
        services.AddHostedService(static provider => provider.GetRequiredService<Trash>());
        services.AddHostedService(static provider => provider.GetRequiredService<Registration>());
        services.AddHostedService<Slots>();
        if (ServiceBusConnection.IsConfigured(configuration) && tasks > 0)
        {
            services.AddTasks();
        }

        services.AddHealthChecks().AddCheck<RunnerHealth>("runner")
            .Add(new HealthCheckRegistration("trash", static provider => provider.GetRequiredService<Trash>(), failureStatus: null, tags: null));
    }
}
