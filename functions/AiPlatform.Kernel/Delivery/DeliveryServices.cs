using AiPlatform.Kernel.Tick;

namespace AiPlatform.Kernel.Delivery;

/// <summary>Registers channels.</summary>
public static class DeliveryServices
{
    /// <summary>One channel with its engine: writers wake it through <see cref="IDelivery{TChannel}"/>, operators reach it by its name.</summary>
    public static IServiceCollection AddDelivery<TChannel, TRow>(this IServiceCollection services)
        where TChannel : class, IDeliveryChannel<TRow>
        where TRow : DeliveryRow
    {
        services.AddSingleton<TChannel>().AddLoop<DeliveryLoop<TChannel, TRow>>(TChannel.Name);
        services.AddSingleton<IDelivery<TChannel>>(static provider => provider.GetRequiredService<DeliveryLoop<TChannel, TRow>>());
        return services.AddSingleton(static provider => provider.GetRequiredService<DeliveryLoop<TChannel, TRow>>().Queue);
    }
}
