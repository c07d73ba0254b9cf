using AiPlatform.Contracts;
using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Worker;
using AiPlatform.Orchestrations.Platform;
using AiPlatform.Orchestrations.Training;
using Prometheus;

namespace AiPlatform.Orchestrations;

/// <summary>The durable worker with a small HTTP surface for its health.</summary>
public static class OrchestrationsApp
{
    /// <summary>Builds the app; nothing is started.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Services.AddHealthChecks();
        builder.Services.AddPlatform(builder.Configuration);
        builder.Services.AddDurableTaskWorker(worker => worker
            .AddTasks(tasks => tasks.AddTraining())
            .Configure(options => options.DataConverter = new JsonDataConverter(ContractsJson.Tolerant))
            .UseDurableTaskScheduler(builder.Configuration.GetConnectionString("TaskHub")
                ?? throw new InvalidOperationException("ConnectionStrings:TaskHub is missing.")));

        var app = builder.Build();
        app.MapHealthChecks("/health");
        app.MapHealthChecks("/health/ready");
        app.MapMetrics();
        return app;
    }
}
