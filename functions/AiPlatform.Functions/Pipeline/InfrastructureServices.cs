using System.Text.Json;
using System.Text.Json.Serialization;
using AiPlatform.Contracts;
using AiPlatform.Hosting;
using AiPlatform.Kernel;
using AiPlatform.Hosting.TaskHubs;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Orchestrated;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Secrets;
using AiPlatform.Kernel.Tick;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Grpc;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Prometheus;

namespace AiPlatform.Functions.Pipeline;

/// <summary>What every feature stands on.</summary>
internal static class InfrastructureServices
{
    private const long DefaultBodyLimit = 1024 * 1024;

    /// <summary>The server: <c>Http:DirectPort</c> wins over every other address; bodies are limited; request lines may be long (searches in GET).</summary>
    public static WebApplicationBuilder ConfigureServer(this WebApplicationBuilder builder)
    {
        if (builder.Configuration["Http:DirectPort"] is { } port)
        {
            builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        }

        builder.WebHost.ConfigureKestrel(Limit);

        // Two lines for every request would cost more than the request; settings can bring them back.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = [new("Logging:LogLevel:Microsoft.AspNetCore", "Warning"), new("Logging:LogLevel:System.Net.Http", "Warning")],
        });

        // Who asks whether the app is ready is answered; the log need not have it too, once for each question.
        builder.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);

        // The Functions host logs stderr as errors and stdout as information.
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            static console => console.LogToStandardErrorThreshold = LogLevel.Error);
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromSeconds(10));
        return builder;
    }

    /// <summary>What every server of the app takes, whichever way a request comes.</summary>
    public static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = ConnectionLimit.PerServer;
        kestrel.Limits.MaxRequestBodySize = DefaultBodyLimit;
        kestrel.Limits.MaxRequestLineSize = 256 * 1024;
        kestrel.Limits.MaxRequestBufferSize = 2 * 1024 * 1024;
    }

    /// <summary>Registers the shared services.</summary>
    public static IServiceCollection AddInfrastructure(this IServiceCollection services, IConfiguration configuration)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.ConfigureHttpJsonOptions(static json => ContractsJson.Configure(json.SerializerOptions, JsonUnmappedMemberHandling.Disallow));

        // A malformed request is an exception here, so that one place answers it.
        services.Configure<RouteHandlerOptions>(static routes => routes.ThrowOnBadRequest = true);
        services.AddPublicAddress();

        // Made by the container, so that it ends the pool with the app.
        var postgres = Required(configuration, "Postgres");
        services.AddSingleton(_ => new Database(postgres));
        services.AddReach<ProjectIdentity, ProjectAccess>();
        services.AddSingleton<ResourceOwners>();
        services.AddSingleton<Callers>();
        services.AddSingleton<StartupState>();
        services.AddHostedService<DatabaseStartup>();
        services.AddSingleton<RedisConnection>();
        services.AddHostedService(static provider => provider.GetRequiredService<RedisConnection>());
        services.AddSingleton<EventStream>();
        services.AddSingleton<TickRunner>();
        services.AddSingleton<IdempotencyKeys>();
        services.AddOptions<AdmissionOptions>().BindConfiguration("Admission").ValidateDataAnnotations().ValidateOnStart();
        services.AddSecrets(configuration);
        services.AddSingleton(provider => new BlobStorage(Required(configuration, "Blob"), provider.GetRequiredService<TimeProvider>()));
        services.AddLoop<BlobContainers>("blob");
        services.AddOptions<DueWorkOptions>().BindConfiguration(DueWorkOptions.Section)
            .Validate(static options => options.Interval > TimeSpan.Zero, "DueWork: Interval must be positive.").ValidateOnStart();
        services.AddLoop<DueWorkPulse>("due-work");
        services.AddDelivery<OutboxChannel, OutboxRow>();
        services.AddSingleton<IOutbox, Outbox>();
        services.AddSingleton<ITickTask, DeliveryTick>();
        services.Configure<RetentionOptions>(configuration.GetSection("Retention"));
        services.AddSingleton<ITickTask, RetentionSweep>();
        services.AddOptions<OrchestrationSweepOptions>().BindConfiguration("OrchestrationSweep").ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<OutgoingOptions>().BindConfiguration(OutgoingOptions.Section);
        services.AddSingleton<OutgoingAddresses>();
        services.AddSingleton<OrchestrationSweep>();
        services.AddSingleton<ITickTask>(static provider => provider.GetRequiredService<OrchestrationSweep>());
        services.AddTaskHub(Required(configuration, "TaskHub"));
        return services;
    }

    /// <summary>The pipeline in front of the routes.</summary>
    public static WebApplication UseInfrastructure(this WebApplication app, IReadOnlyList<IArea> areas)
    {
        app.UseMiddleware<LandingPage>();
        app.UseForwardedHeaders();
        app.UseMiddleware<Problems>();
        app.UseMiddleware<NormalPath>();
        foreach (var area in areas)
        {
            area.UseBeforeRouting(app);
        }

        app.UseRouting();
        app.UseHttpMetrics(static metrics =>
        {
            // The durations count the requests too.
            metrics.RequestCount.Enabled = false;
            metrics.InProgress.Enabled = false;
        });
        app.UseMiddleware<Authorization>();
        app.UseMiddleware<StartupGate>();
        app.UseMiddleware<BodyLimit>();
        app.UseMiddleware<Admission>();
        app.UseMiddleware<SoundInput>();
        app.UseMiddleware<Idempotency>();
        return app;
    }

    private static void AddTaskHub(this IServiceCollection services, string connectionString)
    {
        services.AddSingleton(provider => new TaskHubConnection(connectionString, provider.GetRequiredService<TimeProvider>()));
        services.AddDurableTaskClient(static client => client.Configure(static options => options.EnableEntitySupport = true).UseGrpc());
        services.AddOptions<GrpcDurableTaskClientOptions>().Configure<TaskHubConnection>(static (options, hub) => options.Channel = hub.Channel);
    }

    private static string Required(IConfiguration configuration, string name)
        => configuration.GetConnectionString(name) is { Length: > 0 } value
            ? value
            : throw new InvalidOperationException($"Set ConnectionStrings__{name}.");
}
