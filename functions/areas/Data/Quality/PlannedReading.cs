using AiPlatform.Data.Datasets.Preview;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Tables;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Quality;

/// <summary>What the quality plan of a dataset says under <c>reading</c>: previews read files as reports do.</summary>
internal sealed class PlannedReading(QualityReportStore reports) : IDatasetReading
{
    /// <inheritdoc />
    public async Task<ReadOptions> OfAsync(string datasetId, CancellationToken cancellationToken)
        => QualityPlanReader.Parse(await reports.PlanAsync(datasetId, cancellationToken)).Reading;
}
