using System.Net;
using AiPlatform.Hosting;
using AiPlatform.Hosting.Telemetry;
using AiPlatform.TaskHub.Engine;
using AiPlatform.TaskHub.Payloads;
using AiPlatform.TaskHub.Service;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Prometheus;

namespace AiPlatform.TaskHub;

/// <summary>
/// The task hub: the Durable Task protocol on PostgreSQL. Configuration: section <c>TaskHub</c> and <c>ConnectionStrings:Postgres</c>.
/// </summary>
public static class TaskHubApp
{
    private const string ReadyTag = "ready";
    private const int MaxMessageBytes = 64 * 1024 * 1024;

    /// <summary>Builds the process; <c>RunAsync</c> or <c>StartAsync</c> starts it.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args).AddTelemetry("taskhub");

        // A line or two per call would cost more than the call; configuration can ask for them.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("Grpc", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        builder.Services.AddOptions<TaskHubOptions>().BindConfiguration(TaskHubOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<Peers>();
        builder.Services.AddSingleton<PayloadStore>();
        builder.Services.AddSingleton<PayloadCarrier>();
        builder.Services.AddSingleton<EngineHost>();
        builder.Services.AddHostedService(services => services.GetRequiredService<EngineHost>());
        builder.Services.AddSingleton<EngineMetrics>();
        builder.Services.AddHealthChecks().AddCheck<EngineHost>("engine", tags: [ReadyTag]);
        builder.Services.AddSingleton<CallStatus>();
        builder.Services.AddSingleton<TaskHubService>();
        builder.Services.AddGrpc(options =>
        {
            options.Interceptors.Add<StatusInterceptor>();
            options.MaxReceiveMessageSize = MaxMessageBytes;
            options.MaxSendMessageSize = null;
        });
        builder.WebHost.ConfigureKestrel(Listen);

        var app = builder.Build();
        app.MapGrpcService<TaskHubService>();
        app.MapHealthChecks("/health", new HealthCheckOptions { Predicate = _ => false });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadyTag) });
        app.MapMetrics().RequireBearer(app.Configuration[BearerEndpoints.MetricsToken]);
        app.MapGet("/stuck", StuckReport.GetAsync).RequireBearer(app.Services.GetRequiredService<IOptions<TaskHubOptions>>().Value.BearerToken);
        app.Services.GetRequiredService<EngineMetrics>().Register();
        return app;
    }

    private static void Listen(WebHostBuilderContext context, KestrelServerOptions kestrel)
    {
        var options = context.Configuration.GetSection(TaskHubOptions.Section).Get<TaskHubOptions>() ?? new TaskHubOptions();
        var address = IPAddress.Parse(options.Address);
        kestrel.Listen(address, options.GrpcPort, listen => listen.Protocols = HttpProtocols.Http2);
        kestrel.Listen(address, options.HttpPort, listen => listen.Protocols = HttpProtocols.Http1);

        // Waiting clients and completing workers are one stream each; a dead peer is noticed by its silence.
        kestrel.Limits.Http2.MaxStreamsPerConnection = 20_000;
        kestrel.Limits.Http2.InitialConnectionWindowSize = 4 * 1024 * 1024;
        kestrel.Limits.Http2.InitialStreamWindowSize = 1024 * 1024;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(10);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.MaxConcurrentConnections = ConnectionLimit.PerServer;
        kestrel.Limits.MaxRequestBodySize = MaxMessageBytes;
    }
}
