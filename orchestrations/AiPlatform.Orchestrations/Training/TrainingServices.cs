using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Training.Activities;
using AiPlatform.Orchestrations.Training.JobEvents;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Training;

/// <summary>Registers the training feature with the durable worker.</summary>
public static class TrainingServices
{
    /// <summary>Adds the consumer of what runners report.</summary>
    public static IServiceCollection AddTraining(this IServiceCollection services) => services.AddHostedService<JobEventConsumer>();

    /// <summary>Adds the orchestrator and its activities.</summary>
    public static DurableTaskRegistry AddTraining(this DurableTaskRegistry registry) => registry
        .AddOrchestrator<TrainingJob>()
        .AddPlatformActivity<AdmitAttempt>()
        .AddPlatformActivity<DispatchNodes>()
        .AddPlatformActivity<EndAttempt>()
        .AddPlatformActivity<SetJobStatus>()
        .AddPlatformActivity<RegisterModel>();
}
