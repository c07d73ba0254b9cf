using AiPlatform.Client;
using AiPlatform.Hosting.ServiceBus;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace AiPlatform.Orchestrations.Platform;

/// <summary>How activities reach the rest of the platform.</summary>
internal static class PlatformServices
{
    private const string ServiceIdentity = "orchestrations";

    /// <summary>Adds the API client with its service identity, and the Service Bus client.</summary>
    public static IServiceCollection AddPlatform(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<OrchestrationsOptions>().BindConfiguration("Orchestrations").ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider =>
        {
            var options = provider.GetRequiredService<IOptions<OrchestrationsOptions>>().Value;
            // A pooled connection to an API that moved must not live for ever.
            var http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
            {
                BaseAddress = options.ApiUrl,
                Timeout = TimeSpan.FromSeconds(60),
            };
            var tokens = new ServiceTokenSource(http, ServiceIdentity, options.ClientSecret!, provider.GetRequiredService<TimeProvider>());
            return new AiPlatformClient(http, tokens);
        });
        return services.AddSingleton(_ => ServiceBusConnection.Create(configuration));
    }
}
