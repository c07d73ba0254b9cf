using AiPlatform.Kernel;
using AiPlatform.Registry.Models;
using AiPlatform.Registry.Webhooks;

namespace AiPlatform.Registry;

/// <summary>Registered models with their versions, cards and promotions; webhooks about them.</summary>
public sealed class RegistryArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddModels().AddWebhooks();

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapModelEndpoints();
    }
}
