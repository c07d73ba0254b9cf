using AiPlatform.Orchestrations.Training.Activities;
using AiPlatform.Orchestrations.Platform;
using Microsoft.DurableTask;

namespace AiPlatform.Orchestrations.Training;

/// <summary>Registers the training feature with the durable worker.</summary>
public static class TrainingServices
{
    /// <summary>Adds the orchestrator and its activities.</summary>
    public static DurableTaskRegistry AddTraining(this DurableTaskRegistry registry) => registry
        .AddOrchestrator<TrainingJob>()
        .AddPlatformActivity<AdmitAttempt>()
        .AddPlatformActivity<DispatchNodes>()
        .AddPlatformActivity<EndAttempt>()
        .AddPlatformActivity<SetJobStatus>()
        .AddPlatformActivity<RegisterModel>();
}
