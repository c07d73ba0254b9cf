using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Tick;

namespace AiPlatform.Registry.Webhooks;

/// <summary>Webhooks of the model registry; their routes are MLflow's.</summary>
internal static class WebhookServices
{
    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.AddOptions<WebhookOptions>().BindConfiguration(WebhookOptions.Section)
            .Validate(static options => options is { MaxWebhooks: > 0 } && options.Timeout > TimeSpan.Zero, "Webhooks: numbers must be positive.")
            .ValidateOnStart();
        services.AddSingleton<WebhookSender>().AddSingleton<WebhookStore>().AddSingleton<WebhookEvents>();
        return services.AddDelivery<WebhookChannel, WebhookDelivery>().AddSingleton<ITickTask, WebhookSweep>();
    }
}
