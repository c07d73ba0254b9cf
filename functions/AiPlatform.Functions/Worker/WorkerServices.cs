using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace AiPlatform.Functions.Worker;

/// <summary>The second way into the app: a Functions host that started it.</summary>
internal static class WorkerServices
{
    // How a host says where it listens: on the command line, or as a setting.
    private static readonly string[] HostEndpoint = ["functions-uri", "Functions:Worker:HostEndpoint"];

    /// <summary>
    /// Where a Functions host started this process, registers the worker that it talks to. What listens beside it is only
    /// <c>Http:DirectPort</c>: the addresses in the environment are the host's own.
    /// </summary>
    public static WebApplicationBuilder AddFunctionsWorker(this WebApplicationBuilder builder, string[] args)
    {
        builder.Services.AddSingleton<AppPipeline>();
        if (Array.Exists(HostEndpoint, key => builder.Configuration[key] is { Length: > 0 }))
        {
            builder.Services.AddSingleton(new WorkerArguments(args));
            builder.Services.AddHostedService<WorkerHost>();
            if (builder.Configuration["Http:DirectPort"] is null)
            {
                builder.Services.Replace(ServiceDescriptor.Singleton<IServer, NoServer>());
            }
        }

        return builder;
    }

    /// <summary>Makes the pipeline reachable for the worker; comes first.</summary>
    public static WebApplication UseFunctionsWorker(this WebApplication app)
    {
        app.Use(app.Services.GetRequiredService<AppPipeline>().Capture);
        return app;
    }
}

/// <summary>The command line as the Functions host wrote it.</summary>
/// <param name="Values">The arguments.</param>
internal sealed record WorkerArguments(IReadOnlyList<string> Values);
