using AiPlatform.DurableTask;
using AiPlatform.Orchestrations.Training.Activities;

namespace AiPlatform.Orchestrations.Training;

/// <summary>Registers the training feature with the durable worker.</summary>
public static class TrainingServices
{
    /// <summary>Adds the orchestrator and its activities.</summary>
    public static DurableTaskRegistry AddTraining(this DurableTaskRegistry registry) => registry
        .AddOrchestrator<TrainingJob>()
        .AddActivity<AdmitAttempt>()
        .AddActivity<DispatchNodes>()
        .AddActivity<EndAttempt>()
        .AddActivity<SetJobStatus>()
        .AddActivity<RegisterModel>();
}
