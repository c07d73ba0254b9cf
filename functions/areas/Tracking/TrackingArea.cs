using AiPlatform.Kernel;
using AiPlatform.Ports.Compute;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Operations;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.Tracking;

/// <summary>Experiments and runs with their metrics, artifacts, notes and views; the search language over them.</summary>
public sealed class TrackingArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddExperiments()
        .AddSingleton<IRunRecords, RunRecords>()
        .AddSingleton(new LineageKind(LineageEnd.RunKind, "SELECT id, project_id, name FROM runs"))
        .AddSingleton(new LineageKind(LineageEnd.LoggedModelKind, "SELECT id, project_id, name FROM logged_models"))
        .AddSingleton(new DatasetUse("run", 2, $"""
            SELECT DISTINCT r.id, r.name
            FROM {ComputeRelations.JobInputs} u JOIN {ComputeRelations.Jobs} j ON j.id = u.job_id JOIN runs r ON r.id = j.run_id
            WHERE u.version_id = ANY(@versions) AND r.deleted_at IS NULL
            """));

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapExperimentEndpoints();
    }
}
