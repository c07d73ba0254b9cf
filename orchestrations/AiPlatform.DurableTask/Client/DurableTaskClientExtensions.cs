using AiPlatform.DurableTask.Scheduler;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace AiPlatform.DurableTask.Client;

/// <summary>Options of a client.</summary>
public sealed class DurableTaskClientOptions
{
    /// <summary>Converts payloads.</summary>
    public DataConverter DataConverter { get; set; } = JsonDataConverter.Default;

    /// <summary>The version that orchestrations are started with when the call names none.</summary>
    public string? DefaultVersion { get; set; }
}

/// <summary>Configures a client.</summary>
public interface IDurableTaskClientBuilder
{
    /// <summary>The client's name; empty for the default.</summary>
    string Name { get; }

    /// <summary>The services.</summary>
    IServiceCollection Services { get; }

    /// <summary>Sets options.</summary>
    IDurableTaskClientBuilder Configure(Action<DurableTaskClientOptions> configure);

    /// <summary>Names the task hub: the managed scheduler or ours.</summary>
    /// <param name="connectionString">See <see cref="DurableTaskSchedulerConnectionString"/>.</param>
    IDurableTaskClientBuilder UseDurableTaskScheduler(string connectionString);
}

/// <summary>Adds clients.</summary>
public static class DurableTaskClientExtensions
{
    /// <summary>Adds the default <see cref="DurableTaskClient"/> as a singleton. It connects on first use.</summary>
    public static IServiceCollection AddDurableTaskClient(this IServiceCollection services, Action<IDurableTaskClientBuilder> configure)
    {
        var builder = new Builder(services);
        configure(builder);
        var connection = builder.Connection ?? throw new InvalidOperationException("The Durable Task client has no task hub: call UseDurableTaskScheduler.");
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<DurableTaskClient>(provider => new GrpcDurableTaskClient(
            builder.Name, new SchedulerChannel(connection, provider.GetRequiredService<TimeProvider>()), builder.Options));
        return services;
    }

    private sealed class Builder(IServiceCollection services) : IDurableTaskClientBuilder
    {
        public string Name => string.Empty;

        public IServiceCollection Services => services;

        public DurableTaskClientOptions Options { get; } = new();

        public DurableTaskSchedulerConnectionString? Connection { get; private set; }

        public IDurableTaskClientBuilder Configure(Action<DurableTaskClientOptions> configure)
        {
            configure(Options);
            return this;
        }

        public IDurableTaskClientBuilder UseDurableTaskScheduler(string connectionString)
        {
            Connection = new DurableTaskSchedulerConnectionString(connectionString);
            return this;
        }
    }
}
