using AiPlatform.Kernel;
using AiPlatform.Data.Datasets;
using AiPlatform.Data.Datasets.Preview;
using AiPlatform.Data.Quality;

namespace AiPlatform.Data;

/// <summary>Datasets with their versions, files, imports and previews; quality reports over them.</summary>
public sealed class DataArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddDatasets().AddDatasetPreview().AddQuality();

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapDatasetEndpoints();
        routes.MapDatasetPreviewEndpoints();
        routes.MapQualityEndpoints();
    }
}
