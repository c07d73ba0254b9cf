using AiPlatform.DataFiles.Engine;
using AiPlatform.Orchestrations.Quality.Activities;
using AiPlatform.Orchestrations.Platform;
using Microsoft.DurableTask;
using Microsoft.Extensions.Options;

namespace AiPlatform.Orchestrations.Quality;

/// <summary>Registers quality reports with the durable worker.</summary>
public static class QualityServices
{
    /// <summary>Adds what the activities need.</summary>
    public static IServiceCollection AddQuality(this IServiceCollection services)
    {
        services.AddOptions<DataEngineOptions>().BindConfiguration(DataEngineOptions.Section);
        return services
            .AddSingleton<VersionFiles>()
            .AddSingleton(static provider => new DataEngine(provider.GetRequiredService<IOptions<DataEngineOptions>>().Value, provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Adds the orchestrator and its activities.</summary>
    public static DurableTaskRegistry AddQuality(this DurableTaskRegistry registry) => registry
        .AddOrchestrator<MakeQualityReport>()
        .AddPlatformActivity<OutlineQuality>()
        .AddPlatformActivity<ProfileFiles>()
        .AddPlatformActivity<AssembleQuality>()
        .AddPlatformActivity<FailQuality>();
}
