using AiPlatform.Kernel;
using AiPlatform.MLflow.Http;

namespace AiPlatform.MLflow;

/// <summary>MLflow's REST API over experiments, runs, artifacts and models, and the traces that its clients send.</summary>
public sealed class MLflowArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddMLflow();

    /// <inheritdoc />
    public void UseBeforeRouting(IApplicationBuilder app) => app.UseMiddleware<MLflowGateway>();

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapMLflowEndpoints();
    }
}
