using AiPlatform.Client;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Workspace;
using AiPlatform.TaskWorker;
using Azure.Messaging.ServiceBus;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Tasks;

/// <summary>Runs tasks of queues beside the nodes of jobs.</summary>
internal static class TaskServices
{
    /// <summary>Adds the worker and the end of what an earlier life left.</summary>
    public static IServiceCollection AddTasks(this IServiceCollection services)
    {
        services.AddSingleton<ITaskHandler, PythonTaskHandler>();
        services.AddHostedService<TaskLeftovers>();
        return services.AddHostedService(static provider =>
        {
            var options = provider.GetRequiredService<IOptions<RunnerOptions>>().Value;
            return new TaskQueueWorker(
                provider.GetRequiredService<AiPlatformClient>(),
                provider.GetRequiredService<ServiceBusClient>(),
                provider.GetServices<ITaskHandler>(),
                new TaskWorkerOptions { Pool = options.Pool, Lane = Contracts.Queues.TaskLane.Runner, Slots = options.MaxTasks },
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<TaskQueueWorker>>());
        });
    }
}

/// <summary>Ends processes of attempts that were under way when this runner was killed; the platform gives those tasks to others.</summary>
internal sealed class TaskLeftovers(NodeServices services, ILogger<TaskLeftovers> logger) : IHostedService
{
    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var folder = TaskWorkspace.FolderOf(services.Identity.DataDirectory);
        if (!Directory.Exists(folder))
        {
            return;
        }

        foreach (var attempt in Directory.GetDirectories(folder))
        {
            await ProcessTree.EndAsync(
                Path.GetFileName(attempt), new HashSet<(int, ulong)>(), TimeSpan.Zero, services.Time, cancellationToken, inherited: true).ConfigureAwait(false);
            Logs.Remaining(logger, JobFolder.TryDelete(attempt, Trash.FolderOf(services.Identity.DataDirectory)));
        }
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
