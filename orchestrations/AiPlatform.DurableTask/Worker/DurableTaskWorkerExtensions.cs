using AiPlatform.DurableTask.Scheduler;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.DurableTask.Worker;

/// <summary>Configures a worker.</summary>
public interface IDurableTaskWorkerBuilder
{
    /// <summary>The worker's name; empty for the default.</summary>
    string Name { get; }

    /// <summary>The services.</summary>
    IServiceCollection Services { get; }

    /// <summary>Adds orchestrators and activities.</summary>
    IDurableTaskWorkerBuilder AddTasks(Action<DurableTaskRegistry> configure);

    /// <summary>Sets options.</summary>
    IDurableTaskWorkerBuilder Configure(Action<DurableTaskWorkerOptions> configure);

    /// <summary>Names the task hub: the managed scheduler or ours.</summary>
    /// <param name="connectionString">See <see cref="DurableTaskSchedulerConnectionString"/>.</param>
    IDurableTaskWorkerBuilder UseDurableTaskScheduler(string connectionString);
}

/// <summary>Adds workers.</summary>
public static class DurableTaskWorkerExtensions
{
    /// <summary>Adds a hosted worker that runs the registered orchestrators and activities.</summary>
    public static IServiceCollection AddDurableTaskWorker(this IServiceCollection services, Action<IDurableTaskWorkerBuilder> configure)
        => services.AddDurableTaskWorker(string.Empty, configure);

    /// <summary>Adds a hosted worker beside others, for another hub say, with tasks and options of its own.</summary>
    public static IServiceCollection AddDurableTaskWorker(this IServiceCollection services, string name, Action<IDurableTaskWorkerBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(name);
        var builder = new Builder(services, name);
        configure(builder);
        var connection = builder.Connection ?? throw new InvalidOperationException("The Durable Task worker has no task hub: call UseDurableTaskScheduler.");
        services.TryAddSingleton(TimeProvider.System);
        var status = new DurableTaskWorkerStatus($"{connection.Endpoint} {connection.TaskHubName}");
        services.AddSingleton(status);
        services.AddSingleton<IHostedService>(provider => ActivatorUtilities.CreateInstance<DurableTaskWorker>(provider, connection, builder.Registry, builder.Options, status));
        return services;
    }

    private sealed class Builder(IServiceCollection services, string name) : IDurableTaskWorkerBuilder
    {
        public string Name => name;

        public IServiceCollection Services => services;

        public DurableTaskRegistry Registry { get; } = new();

        public DurableTaskWorkerOptions Options { get; } = new();

        public DurableTaskSchedulerConnectionString? Connection { get; private set; }

        public IDurableTaskWorkerBuilder AddTasks(Action<DurableTaskRegistry> configure)
        {
            configure(Registry);
            return this;
        }

        public IDurableTaskWorkerBuilder Configure(Action<DurableTaskWorkerOptions> configure)
        {
            configure(Options);
            return this;
        }

        public IDurableTaskWorkerBuilder UseDurableTaskScheduler(string connectionString)
        {
            Connection = new DurableTaskSchedulerConnectionString(connectionString);
            return this;
        }
    }
}
