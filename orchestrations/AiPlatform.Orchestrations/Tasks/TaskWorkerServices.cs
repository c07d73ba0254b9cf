using AiPlatform.Client;
using AiPlatform.TaskWorker;
using Azure.Messaging.ServiceBus;
using Microsoft.Extensions.Options;

namespace AiPlatform.Orchestrations.Tasks;

/// <summary>Runs the light tasks of queues: they need no orchestration, and this process already has the broker and the API.</summary>
internal static class TaskWorkerServices
{
    /// <summary>Adds one worker for each pool.</summary>
    public static IServiceCollection AddTaskWorkers(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<TaskWorkerSettings>().BindConfiguration(TaskWorkerSettings.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(static provider => new GuardedHttp(provider.GetRequiredService<IOptions<TaskWorkerSettings>>().Value.AllowedPrivateHosts));
        services.AddSingleton<ITaskHandler, NoopHandler>().AddSingleton<ITaskHandler, HttpHandler>();
        var pools = configuration.GetSection(TaskWorkerSettings.Section).Get<TaskWorkerSettings>()?.Pools is { Length: > 0 } named ? named : ["default"];
        foreach (var pool in pools)
        {
            services.AddSingleton<IHostedService>(provider => new TaskQueueWorker(
                provider.GetRequiredService<AiPlatformClient>(),
                provider.GetRequiredService<ServiceBusClient>(),
                provider.GetServices<ITaskHandler>(),
                new TaskWorkerOptions { Pool = pool, Slots = provider.GetRequiredService<IOptions<TaskWorkerSettings>>().Value.Slots },
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<TaskQueueWorker>>()));
        }

        return services;
    }
}
