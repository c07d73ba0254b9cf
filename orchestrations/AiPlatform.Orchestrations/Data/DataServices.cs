using AiPlatform.Contracts.Datasets;
using AiPlatform.Orchestrations.Data.Activities;
using AiPlatform.Orchestrations.Data.Sources;
using AiPlatform.Orchestrations.Platform;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Data;

/// <summary>Registers the data feature: imports of datasets.</summary>
public static class DataServices
{
    /// <summary>Adds what activities need.</summary>
    public static IServiceCollection AddData(this IServiceCollection services) => services.AddSingleton<SourceHttp>();

    /// <summary>Adds the orchestrator and its activities.</summary>
    public static DurableTaskRegistry AddData(this DurableTaskRegistry registry) => registry
        .AddOrchestrator<DatasetImportOrchestration>(DatasetImportInput.Orchestration)
        .AddPlatformActivity<FetchImport>()
        .AddPlatformActivity<MakeImportedVersion>()
        .AddPlatformActivity<EndImport>();
}
