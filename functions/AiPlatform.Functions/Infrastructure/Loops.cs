using AiPlatform.Hosting;

namespace AiPlatform.Functions.Infrastructure;

/// <summary>Registers background loops.</summary>
internal static class Loops
{
    /// <summary>One instance, started with the host and seen at <c>/health</c> under <paramref name="name"/>.</summary>
    public static IServiceCollection AddLoop<TLoop>(this IServiceCollection services, string name)
        where TLoop : BackgroundLoop
    {
        services.AddSingleton<TLoop>();
        services.AddHostedService(static provider => provider.GetRequiredService<TLoop>());
        services.AddHealthChecks().AddCheck<TLoop>(name);
        return services;
    }
}
