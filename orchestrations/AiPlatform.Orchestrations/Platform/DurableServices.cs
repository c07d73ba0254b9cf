using AiPlatform.Contracts;
using AiPlatform.Hosting.TaskHubs;
using Grpc.Core.Interceptors;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Grpc;
using Microsoft.DurableTask.Converters;
using Microsoft.DurableTask.Worker;
using Microsoft.DurableTask.Worker.Grpc;
using Microsoft.DurableTask.Worker.Grpc.Internal;

namespace AiPlatform.Orchestrations.Platform;

/// <summary>The durable worker, and a client of its hub, over one connection.</summary>
internal static class DurableServices
{
    /// <summary>Adds both.</summary>
    /// <param name="services">The services.</param>
    /// <param name="connectionString">The hub's.</param>
    /// <param name="tasks">What the worker runs.</param>
    public static IServiceCollection AddDurable(this IServiceCollection services, string connectionString, Action<DurableTaskRegistry> tasks)
    {
        var converter = new JsonDataConverter(ContractsJson.Tolerant);
        services.AddSingleton(provider => new TaskHubConnection(
            connectionString, provider.GetRequiredService<TimeProvider>(), TaskHubConnection.NewWorkerId()));
        services.AddSingleton<TaskHubWorkerLink>();
        services.AddSingleton<RunningActivities>();
        services.AddSingleton<WorkerStop>();
        services.AddHostedService(provider => provider.GetRequiredService<WorkerStop>());
        services.AddDurableTaskClient(client => client.Configure(options => options.DataConverter = converter).UseGrpc());
        services.AddOptions<GrpcDurableTaskClientOptions>()
            .Configure<TaskHubConnection>((options, hub) => options.Channel = hub.Channel);

        // A hub may be shared: what others start is left to their workers.
        services.AddDurableTaskWorker(worker => worker
            .AddTasks(tasks)
            .Configure(options => options.DataConverter = converter)
            .UseGrpc(options => options.ConfigureForAzureManaged())
            .UseWorkItemFilters());
        services.AddOptions<GrpcDurableTaskWorkerOptions>()
            .Configure<TaskHubConnection, TaskHubWorkerLink>((options, hub, link) => options.CallInvoker = hub.Channel.Intercept(link));
        return services;
    }
}
