namespace AiPlatform.Kernel.Garbage;

/// <summary>Registers what takes part in garbage collection.</summary>
public static class GarbageServices
{
    private static readonly Type[] Roles = [typeof(IGarbageRelease), typeof(IGarbageSource), typeof(IGarbageSweep), typeof(IProjectPart)];

    /// <summary>Registers one object for every part that it plays in garbage collection.</summary>
    public static IServiceCollection AddGarbage<T>(this IServiceCollection services)
        where T : class
    {
        services.AddSingleton<T>();
        foreach (var role in Roles.Where(static role => role.IsAssignableFrom(typeof(T))))
        {
            services.AddSingleton(role, static provider => provider.GetRequiredService<T>());
        }

        return services;
    }
}
