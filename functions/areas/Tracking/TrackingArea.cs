using AiPlatform.Kernel;
using AiPlatform.Tracking.Experiments;

namespace AiPlatform.Tracking;

/// <summary>Experiments and runs with their metrics, artifacts, notes and views; the search language over them.</summary>
public sealed class TrackingArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddExperiments();

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapExperimentEndpoints();
    }
}
