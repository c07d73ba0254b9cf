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

/// <summary>Finds clients by name.</summary>
public interface IDurableTaskClientProvider
{
    /// <summary>The client of that name; the default one for none.</summary>
    /// <exception cref="InvalidOperationException">No such client was added.</exception>
    DurableTaskClient GetClient(string? name = null);
}

/// <summary>Adds clients.</summary>
public static class DurableTaskClientExtensions
{
    /// <summary>Adds the default <see cref="DurableTaskClient"/> as a singleton. It connects on first use.</summary>
    public static IServiceCollection AddDurableTaskClient(this IServiceCollection services, Action<IDurableTaskClientBuilder> configure)
    {
        var create = Factory(services, string.Empty, configure);
        services.TryAddSingleton(create);
        return services;
    }

    /// <summary>Adds a client beside the default one, for another hub say; <see cref="IDurableTaskClientProvider"/> has it by its name.</summary>
    public static IServiceCollection AddDurableTaskClient(this IServiceCollection services, string name, Action<IDurableTaskClientBuilder> configure)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var create = Factory(services, name, configure);
        services.TryAddKeyedSingleton(name, (provider, _) => create(provider));
        return services;
    }

    private static Func<IServiceProvider, DurableTaskClient> Factory(IServiceCollection services, string name, Action<IDurableTaskClientBuilder> configure)
    {
        var builder = new Builder(services, name);
        configure(builder);
        var connection = builder.Connection ?? throw new InvalidOperationException("The Durable Task client has no task hub: call UseDurableTaskScheduler.");
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IDurableTaskClientProvider, Provider>();
        return provider => new GrpcDurableTaskClient(name, new SchedulerChannel(connection, provider.GetRequiredService<TimeProvider>()), builder.Options);
    }

    private sealed class Provider(IServiceProvider services) : IDurableTaskClientProvider
    {
        public DurableTaskClient GetClient(string? name = null)
            => string.IsNullOrEmpty(name) ? services.GetRequiredService<DurableTaskClient>() : services.GetRequiredKeyedService<DurableTaskClient>(name);
    }

    private sealed class Builder(IServiceCollection services, string name) : IDurableTaskClientBuilder
    {
        public string Name => name;

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
