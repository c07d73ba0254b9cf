using AiPlatform.Hosting;

namespace AiPlatform.Kernel.Tick;

/// <summary>Registers background loops.</summary>
public static class Loops
{
    /// <summary>One instance, started with the host and seen at <c>/health</c> under <paramref name="name"/>; woken when its work is due.</summary>
    public static IServiceCollection AddLoop<TLoop>(this IServiceCollection services, string name)
        where TLoop : BackgroundLoop
    {
        services.AddSingleton<TLoop>();
        services.AddHostedService(static provider => provider.GetRequiredService<TLoop>());
        if (typeof(TLoop).IsAssignableTo(typeof(IDueWork)))
        {
            services.AddSingleton(static provider => (IDueWork)provider.GetRequiredService<TLoop>());
        }

        services.AddHealthChecks().AddCheck<TLoop>(name);
        return services;
    }
}
