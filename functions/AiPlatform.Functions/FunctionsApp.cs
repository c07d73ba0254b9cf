using AiPlatform.Functions.Documentation;
using AiPlatform.Functions.Features.Datasets;
using AiPlatform.Functions.Features.Datasets.Preview;
using AiPlatform.Functions.Features.DurableStatus;
using AiPlatform.Functions.Features.Events;
using AiPlatform.Functions.Features.Experiments;
using AiPlatform.Functions.Features.Garbage;
using AiPlatform.Functions.Features.Identity;
using AiPlatform.Functions.Features.Jobs;
using AiPlatform.Functions.Features.Lineage;
using AiPlatform.Functions.Features.Models;
using AiPlatform.Functions.Features.Projects;
using AiPlatform.Functions.Features.Quality;
using AiPlatform.Functions.Features.Queues;
using AiPlatform.Functions.Features.Runners;
using AiPlatform.Functions.Features.Tasks;
using AiPlatform.Functions.Features.Webhooks;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.MLflow;
using AiPlatform.Functions.Worker;

namespace AiPlatform.Functions;

/// <summary>The HTTP app of the platform: the worker of a Functions host, by itself, or in a test's own process.</summary>
public static class FunctionsApp
{
    /// <summary>Builds the app; it listens once it is started. Settings come from environment variables and <paramref name="args"/>.</summary>
    /// <param name="args">Command-line settings, <c>--Section:Key=value</c>.</param>
    /// <param name="configure">Adds services before the app is built, for hosts that embed it.</param>
    /// <exception cref="InvalidOperationException">A required setting is missing; the message names it.</exception>
    public static WebApplication Build(string[] args, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = WebApplication.CreateSlimBuilder(args).ConfigureServer();
        builder.Services
            .AddInfrastructure(builder.Configuration)
            .AddHealth()
            .AddIdentity(builder.Configuration)
            .AddProjects()
            .AddDatasets()
            .AddDatasetPreview()
            .AddQuality()
            .AddExperiments()
            .AddModels()
            .AddMLflow()
            .AddJobs()
            .AddRunners()
            .AddLineage()
            .AddTasks()
            .AddQueues()
            .AddEvents()
            .AddGarbage()
            .AddWebhooks()
            .AddDocumentation();
        builder.AddFunctionsWorker(args);
        configure?.Invoke(builder);

        var app = builder.Build().UseFunctionsWorker().UseInfrastructure();
        app.MapHealthEndpoints();
        app.MapIdentityEndpoints();
        app.MapProjectEndpoints();
        app.MapDatasetEndpoints();
        app.MapDatasetPreviewEndpoints();
        app.MapQualityEndpoints();
        app.MapExperimentEndpoints();
        app.MapModelEndpoints();
        app.MapMLflowEndpoints();
        app.MapJobEndpoints();
        app.MapRunnerEndpoints();
        app.MapLineageEndpoints();
        app.MapTaskEndpoints();
        app.MapQueueEndpoints();
        app.MapDurableStatusEndpoints();
        app.MapEventEndpoints();
        app.MapGarbageEndpoints();
        app.MapDocumentationEndpoints();
        return app;
    }
}
