using AiPlatform.Kernel;
using AiPlatform.Data.Datasets;
using AiPlatform.Data.Datasets.Preview;
using AiPlatform.Data.Quality;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Operations;

namespace AiPlatform.Data;

/// <summary>Datasets with their versions, files, imports and previews; quality reports over them.</summary>
public sealed class DataArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddDatasets().AddDatasetPreview().AddQuality()
        .AddSingleton<IDatasetVersions, DatasetVersions>()
        .AddSingleton(new LineageKind(
            LineageEnd.DatasetVersionKind, "SELECT v.id, v.project_id, d.name || '@' || v.version AS name FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id"));

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapDatasetEndpoints();
        routes.MapDatasetPreviewEndpoints();
        routes.MapQualityEndpoints();
    }
}
