using AiPlatform.DurableTask;
using AiPlatform.Orchestrations.Quality.Activities;

namespace AiPlatform.Orchestrations.Quality;

/// <summary>Registers quality reports with the durable worker.</summary>
public static class QualityServices
{
    /// <summary>Adds what the activities need.</summary>
    public static IServiceCollection AddQuality(this IServiceCollection services) => services.AddSingleton<VersionFiles>();

    /// <summary>Adds the orchestrator and its activities.</summary>
    public static DurableTaskRegistry AddQuality(this DurableTaskRegistry registry) => registry
        .AddOrchestrator<MakeQualityReport>()
        .AddActivity<OutlineQuality>()
        .AddActivity<ProfileFiles>()
        .AddActivity<AssembleQuality>()
        .AddActivity<FailQuality>();
}
