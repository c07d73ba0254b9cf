using AiPlatform.Hosting;
using AiPlatform.Hosting.Telemetry;
using AiPlatform.ServiceBusEmulator.Administration;
using AiPlatform.ServiceBusEmulator.Configuration;
using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Protocol;
using AiPlatform.ServiceBusEmulator.Queues;
using AiPlatform.ServiceBusEmulator.Storage;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Prometheus;

namespace AiPlatform.ServiceBusEmulator;

/// <summary>The broker as an application: AMQP for clients, HTTP for the administration API, <c>/health</c>, <c>/health/ready</c> and <c>/metrics</c>.</summary>
public static class ServiceBusEmulatorApp
{
    private const string Ready = "ready";

    /// <summary>Builds the broker from arguments, environment and settings files; see <see cref="ServiceBusOptions"/>.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args).AddTelemetry("servicebus");
        ListenOnHttp(builder);
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        builder.Services.AddServiceBusBroker(builder.Configuration);
        var app = builder.Build();
        app.MapHealthChecks("/health", new HealthCheckOptions { Predicate = static check => !check.Tags.Contains(Ready) });
        app.MapHealthChecks("/health/ready");
        app.MapMetrics("/metrics", app.Services.GetRequiredService<BrokerMetrics>().Registry).RequireBearer(app.Configuration[BearerEndpoints.MetricsToken]);
        app.UseWebSockets();
        app.Map(WebSocketConnections.Path, app.Services.GetRequiredService<WebSocketConnections>().ServeAsync);
        app.Map("/{**path}", app.Services.GetRequiredService<AdministrationApi>().HandleAsync);
        return app;
    }

    // The ports of the settings, or else what ASP.NET Core is told in its own way.
    private static void ListenOnHttp(WebApplicationBuilder builder)
    {
        var settings = builder.Configuration.GetSection("ServiceBus");
        var (http, https) = (settings.GetValue("HttpPort", 0), settings.GetValue("HttpsPort", 0));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxConcurrentConnections = ConnectionLimit.PerServer;
            kestrel.Limits.MaxRequestBodySize = 1024 * 1024;
            if (https > 0)
            {
                var certificate = TlsCertificate.Load(settings.GetValue("TlsDirectory", "tls")!, DateTimeOffset.UtcNow);
                kestrel.ListenLocalhost(https, listen => listen.UseHttps(certificate));
            }

            if (http > 0)
            {
                kestrel.ListenLocalhost(http);
            }
        });
    }

    private static void AddServiceBusBroker(this IServiceCollection services, ConfigurationManager configuration)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<ServiceBusOptions>()
            .Configure(options => ReadOptions(configuration.GetSection("ServiceBus"), options))
            .Validate(options => options.SharedAccessKey.Length > 0, "ServiceBus:SharedAccessKey is missing.")
            .Validate(options => options.AmqpPort is > 0 and <= 65535, "ServiceBus:AmqpPort must be a TCP port.")
            .Validate(options => options.MaxMessageSizeBytes is >= 1024 and <= 16 * 1024 * 1024, "ServiceBus:MaxMessageSizeBytes must be between 1 KiB and 16 MiB.")
            .Validate(options => options.LinkIdleTimeoutSeconds is > 0 and <= 86_400, "ServiceBus:LinkIdleTimeoutSeconds must be positive and at most a day.")
            .Validate(options => options.Queues.TrueForAll(IsValid), "Each of ServiceBus:Queues needs a name without '$', a positive MaxDeliveryCount and LockDurationSeconds.")
            .Validate(options => options.Queues.DistinctBy(queue => queue.Name.ToLowerInvariant()).Count() == options.Queues.Count, "ServiceBus:Queues has a name twice.")
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<ServiceBusOptions>, ConfigFileValidation>();
        services.AddSingleton<BrokerMetrics>();
        services.AddSingleton<MessageWriter>();
        services.AddSingleton<MessageStore>();
        services.AddSingleton<TokenValidator>();
        services.AddSingleton<EntityCatalog>();
        services.AddSingleton<Broker>();
        services.AddSingleton<BrokerClock>();
        services.AddHostedService(static provider => provider.GetRequiredService<BrokerClock>());
        services.AddSingleton<AdministrationApi>();
        services.AddSingleton<BrokerSweeper>();
        services.AddHostedService(static provider => provider.GetRequiredService<BrokerSweeper>());
        services.AddSingleton<WebSocketConnections>();
        services.AddSingleton<AmqpServer>();
        services.AddHostedService(static provider => provider.GetRequiredService<AmqpServer>());
        services.AddHealthChecks()
            .AddCheck<BrokerClock>("clock")
            .AddCheck<BrokerSweeper>("sweeper")
            .AddCheck<AmqpServer>("amqp", tags: [Ready]);
    }

    private static bool IsValid(QueueOptions queue)
        => queue.Name.Length > 0 && !queue.Name.Contains('$', StringComparison.Ordinal) && queue is { MaxDeliveryCount: > 0, LockDurationSeconds: > 0 };

    // A queue is a name (ServiceBus__Queues__0=jobs) or an object (ServiceBus__Queues__0__Name=jobs, …).
    private static void ReadOptions(IConfigurationSection section, ServiceBusOptions options)
    {
        section.Bind(options);
        options.Queues = [.. section.GetSection("Queues").GetChildren().Select(child => child.Value is { Length: > 0 } name
            ? new QueueOptions { Name = name }
            : child.Get<QueueOptions>() ?? new QueueOptions())];
    }
}
