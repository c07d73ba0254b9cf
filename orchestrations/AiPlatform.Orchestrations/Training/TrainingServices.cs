using AiPlatform.DurableTask;
using AiPlatform.Orchestrations.Training.Activities;
using AiPlatform.Orchestrations.Training.JobEvents;

namespace AiPlatform.Orchestrations.Training;

/// <summary>Registers the training feature with the durable worker.</summary>
public static class TrainingServices
{
    /// <summary>Adds the consumer of what runners report.</summary>
    public static IServiceCollection AddTraining(this IServiceCollection services) => services.AddHostedService<JobEventConsumer>();

    /// <summary>Adds the orchestrator and its activities.</summary>
    public static DurableTaskRegistry AddTraining(this DurableTaskRegistry registry) => registry
        .AddOrchestrator<TrainingJob>()
        .AddActivity<AdmitAttempt>()
        .AddActivity<DispatchNodes>()
        .AddActivity<EndAttempt>()
        .AddActivity<SetJobStatus>()
        .AddActivity<RegisterModel>();
}
