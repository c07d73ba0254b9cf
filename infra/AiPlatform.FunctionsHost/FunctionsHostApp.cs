using System.Net;
using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Http;
using AiPlatform.FunctionsHost.Rpc;
using AiPlatform.FunctionsHost.Timers;
using AiPlatform.FunctionsHost.Workers;
using AiPlatform.Hosting;
using AiPlatform.Hosting.Telemetry;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace AiPlatform.FunctionsHost;

/// <summary>
/// The embedded Functions host: starts the worker of an isolated .NET function app, speaks Azure Functions' own protocol with it, forwards
/// HTTP to it and fires its timers. Configuration: section <c>FunctionsHost</c>.
/// </summary>
public static class FunctionsHostApp
{
    /// <summary>Builds the host; <c>RunAsync</c> or <c>StartAsync</c> starts it.</summary>
    /// <param name="args">Command-line settings, <c>--FunctionsHost:AppDirectory=FOLDER</c>.</param>
    /// <param name="embedding">For a program that holds the host in its own process; null: the host is the program.</param>
    /// <exception cref="InvalidOperationException">Thrown at the start: the folder holds no isolated app; the message says what is missing.</exception>
    public static WebApplication Build(string[] args, FunctionsHostEmbedding? embedding = null)
    {
        // Empty: the addresses and settings in the environment are the app's.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { Args = args });
        builder.Configuration.AddEnvironmentVariables().AddCommandLine(args);
        builder.AddTelemetry("functionshost");
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        foreach (var quiet in (string[])["Microsoft.AspNetCore", "Microsoft.Hosting.Lifetime", "Yarp", "Grpc"])
        {
            builder.Logging.AddFilter(quiet, LogLevel.Warning);
        }

        var options = builder.Services.AddOptions<FunctionsHostOptions>().BindConfiguration(FunctionsHostOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        if (embedding is null)
        {
            builder.Logging.AddSimpleConsole();
        }
        else
        {
            embedding.Log(builder.Logging);
            options.Configure(embedding.Configure);
            builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        }

        builder.Services.AddSingleton(embedding?.Observer ?? new ConsoleObserver());
        builder.Services.AddSingleton<IConfigureOptions<KestrelServerOptions>, Listening>();
        builder.Services.AddSingleton<IConfigureOptions<HostOptions>, Patience>();
        builder.WebHost.UseKestrelCore();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(static services => FunctionApp.Read(services.GetRequiredService<IOptions<FunctionsHostOptions>>().Value.AppDirectory));
        builder.Services.AddSingleton<ExpectedWorkers>();
        builder.Services.AddSingleton<WorkerLog>();
        builder.Services.AddSingleton<RpcServer>();
        builder.Services.AddSingleton<CurrentWorker>();
        builder.Services.AddSingleton<WorkerStart>();
        builder.Services.AddHttpForwarder();
        builder.Services.AddSingleton<HttpDrain>();
        builder.Services.AddSingleton<InvocationForwarder>();
        builder.Services.AddSingleton(Store);

        // Stopped in the opposite order: requests, timers, the worker.
        builder.Services.AddHostedService<WorkerSupervisor>();
        builder.Services.AddHostedService<TimerService>();
        var host = builder.Build();
        host.Run(host.Services.GetRequiredService<InvocationForwarder>().InvokeAsync);
        return host;
    }

    private static ITimerStore Store(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<FunctionsHostOptions>>().Value;
        return options.Postgres is { Length: > 0 } postgres
            ? new PostgresTimerStore(postgres, options.AppName ?? Path.GetFileName(Path.GetFullPath(options.AppDirectory)), options.TimerLease)
            : new MemoryTimerStore();
    }

    private sealed class Listening(IOptions<FunctionsHostOptions> options) : IConfigureOptions<KestrelServerOptions>
    {
        public void Configure(KestrelServerOptions kestrel)
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Parse(options.Value.Address), options.Value.HttpPort, static listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Limits.MaxConcurrentConnections = ConnectionLimit.PerServer;
            kestrel.Limits.MaxRequestBodySize = options.Value.MaxRequestBodyBytes;
            kestrel.Limits.MaxRequestLineSize = 256 * 1024;
            kestrel.Limits.MaxRequestBufferSize = 2 * 1024 * 1024;

            // A slow sender is the worker's business.
            kestrel.Limits.MinRequestBodyDataRate = null;
        }
    }

    private sealed class Patience(IOptions<FunctionsHostOptions> options) : IConfigureOptions<HostOptions>
    {
        public void Configure(HostOptions host)
            => host.ShutdownTimeout = (2 * options.Value.DrainTimeout) + options.Value.TerminateTimeout + TimeSpan.FromSeconds(10);
    }
}
