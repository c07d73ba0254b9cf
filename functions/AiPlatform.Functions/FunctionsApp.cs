using AiPlatform.Functions.Documentation;
using AiPlatform.Functions.Pipeline;
using AiPlatform.Functions.Worker;
using AiPlatform.Hosting.Telemetry;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Texts;

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
        var builder = WebApplication.CreateSlimBuilder(args).ConfigureServer().AddTelemetry("functions");
        builder.Services.AddInfrastructure(builder.Configuration).AddHealth().AddDocumentation();
        foreach (var area in Areas.All)
        {
            TextCatalog.Add(area.GetType().Assembly);
            builder.Services.AddSingleton(area);
            area.AddServices(builder.Services, builder.Configuration);
        }

        builder.AddFunctionsWorker(args);
        configure?.Invoke(builder);

        var app = builder.Build().UseFunctionsWorker().UseInfrastructure(Areas.All);
        app.MapHealthEndpoints();
        foreach (var area in Areas.All)
        {
            area.MapEndpoints(app);
        }

        app.MapDocumentationEndpoints();
        return app;
    }
}
