using AiPlatform.Kernel;
using AiPlatform.Compute.Jobs;
using AiPlatform.Compute.Queues;
using AiPlatform.Compute.Runners;

namespace AiPlatform.Compute;

/// <summary>Training jobs and the runners that take them; queues of tasks.</summary>
public sealed class ComputeArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddJobs().AddRunners().AddQueues();

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapJobEndpoints();
        routes.MapRunnerEndpoints();
        routes.MapQueueEndpoints();
    }
}
