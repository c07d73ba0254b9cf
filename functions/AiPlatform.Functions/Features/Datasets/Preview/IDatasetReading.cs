using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Functions.Features.Datasets.Preview;

/// <summary>What is told about all files of a dataset, kept with it.</summary>
internal interface IDatasetReading
{
    /// <summary>The options of a dataset; nothing told when nobody told anything.</summary>
    Task<ReadOptions> OfAsync(string datasetId, CancellationToken cancellationToken);
}
