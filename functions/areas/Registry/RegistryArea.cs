using AiPlatform.Kernel;
using AiPlatform.Ports.Compute;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Operations;
using AiPlatform.Registry.Models;
using AiPlatform.Registry.Webhooks;

namespace AiPlatform.Registry;

/// <summary>Registered models with their versions, cards and promotions; webhooks about them.</summary>
public sealed class RegistryArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddModels().AddWebhooks()
        .AddSingleton<VersionComparison>()
        .AddSingleton(new LineageKind(
            LineageEnd.ModelVersionKind, "SELECT v.id, v.project_id, m.name || '/' || v.version AS name FROM model_versions v JOIN models m ON m.id = v.model_id"))
        .AddSingleton(new DatasetUse("model", 0, $"""
            SELECT DISTINCT v.id, m.name || '/' || v.version AS name
            FROM {ComputeRelations.JobInputs} u JOIN {ComputeRelations.Jobs} j ON j.id = u.job_id
            JOIN model_versions v ON v.run_id = j.run_id JOIN models m ON m.id = v.model_id
            WHERE u.version_id = ANY(@versions) AND m.deleted_at IS NULL
            """));

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapModelEndpoints();
    }
}
