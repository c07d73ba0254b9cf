using AiPlatform.Functions.Pipeline;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Azure.Functions.Worker.Builder;

namespace AiPlatform.Functions.Worker;

/// <summary>
/// The isolated worker of Azure Functions beside the app, in its process: it tells the host of <see cref="AppFunctions"/>, takes its
/// invocations, and ends the app when the host says so. It starts while the app does; requests wait for the pipeline.
/// </summary>
internal sealed class WorkerHost(
    WorkerArguments arguments, AppPipeline pipeline, TickRunner ticks, IServiceScopeFactory scopes, ILoggerFactory loggers, IHostApplicationLifetime app)
    : IHostedLifecycleService, IAsyncDisposable
{
    private Task<IHost>? _started;
    private CancellationTokenRegistration _stopping;

    /// <inheritdoc />
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _started = Task.Run(() => RunAsync(cancellationToken), cancellationToken);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        var host = await _started!.WaitAsync(cancellationToken);
        _stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(app.StopApplication);
    }

    /// <inheritdoc />
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (_started is { IsCompletedSuccessfully: true } started)
        {
            await _stopping.DisposeAsync();
            await (await started).StopAsync(cancellationToken);
        }
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stopping.DisposeAsync();
        if (_started is { IsCompletedSuccessfully: true } started)
        {
            (await started).Dispose();
        }
    }

    private async Task<IHost> RunAsync(CancellationToken cancellationToken)
    {
        var builder = FunctionsApplication.CreateBuilder([.. arguments.Values]);
        builder.ConfigureFunctionsWebApplication();
        builder.Services.Configure<KestrelServerOptions>(InfrastructureServices.Limit);
        builder.Services.AddSingleton(new WorkerEntry(pipeline, ticks, scopes, loggers.CreateLogger<WorkerEntry>()));

        // Four lines for every request would cross to the host.
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        KeepNoKeys(builder.Services);
        var host = builder.Build();
        await host.StartAsync(cancellationToken);
        return host;
    }

    // The integration registers what protects cookies, which would lay keys that nobody uses into the home folder of the account.
    private static void KeepNoKeys(IServiceCollection services)
    {
        foreach (var service in services.Where(static service => service.ImplementationType?.Name == "DataProtectionHostedService").ToList())
        {
            services.Remove(service);
        }
    }
}
