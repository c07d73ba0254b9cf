using AiPlatform.DataFiles.Tables;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets.Preview;

/// <summary>What is told about all files of a dataset, kept with it.</summary>
internal interface IDatasetReading
{
    /// <summary>The options of a dataset; nothing told when nobody told anything.</summary>
    Task<ReadOptions> OfAsync(string datasetId, CancellationToken cancellationToken);
}
