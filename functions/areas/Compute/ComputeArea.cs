using AiPlatform.Kernel;
using AiPlatform.Compute.Jobs;
using AiPlatform.Compute.Queues;
using AiPlatform.Compute.Runners;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Operations;

namespace AiPlatform.Compute;

/// <summary>Training jobs and the runners that take them; queues of tasks.</summary>
public sealed class ComputeArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddJobs().AddRunners().AddQueues()
        .AddSingleton(new LineageKind(LineageEnd.JobKind, "SELECT id, project_id, name FROM jobs"))
        .AddSingleton(new DatasetUse("job", 1, """
            SELECT DISTINCT j.id, j.name FROM job_datasets u JOIN jobs j ON j.id = u.job_id
            WHERE u.version_id = ANY(@versions) AND j.deleted_at IS NULL
            """));

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapJobEndpoints();
        routes.MapRunnerEndpoints();
        routes.MapQueueEndpoints();
    }
}
