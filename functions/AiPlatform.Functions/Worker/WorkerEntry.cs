using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Microsoft.AspNetCore.Http.Features;

namespace AiPlatform.Functions.Worker;

/// <summary>What the functions of the worker hand over to: the same pipeline and the same tasks as in an app that runs alone.</summary>
public sealed partial class WorkerEntry
{
    private readonly AppPipeline _pipeline;
    private readonly TickRunner _ticks;
    private readonly IServiceScopeFactory _scopes;
    private readonly ILogger<WorkerEntry> _logger;

    internal WorkerEntry(AppPipeline pipeline, TickRunner ticks, IServiceScopeFactory scopes, ILogger<WorkerEntry> logger)
    {
        _pipeline = pipeline;
        _ticks = ticks;
        _scopes = scopes;
        _logger = logger;
    }

    /// <summary>
    /// Serves a request that a function was invoked for. No exception leaves: the host would see a failed invocation, and the client an
    /// empty 200.
    /// </summary>
    public async Task ServeAsync(HttpRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var context = request.HttpContext;
        var services = context.Features.Get<IServiceProvidersFeature>();

        // The worker's own routing has chosen the function; the app routes anew, and its services are its own.
        context.SetEndpoint(null);
        request.RouteValues.Clear();
        context.Features.Set<IServiceProvidersFeature>(new RequestServicesFeature(context, _scopes));
        try
        {
            await _pipeline.InvokeAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller went away: there is nobody to answer.
        }
        catch (Exception exception)
        {
            LogFailed(_logger, exception, request.Method, request.Path);
            Fail(context);
        }
        finally
        {
            context.Features.Set(services);
        }
    }

    /// <summary>Does one round of the background tasks.</summary>
    public Task TickAsync(CancellationToken cancellationToken) => _ticks.RunAsync(cancellationToken);

    // An answer that has begun cannot say that it failed: a broken connection does.
    private static void Fail(HttpContext context)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
        }
        else
        {
            context.Response.Clear();
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        }
    }

    [LoggerMessage(310, LogLevel.Error, "{Method} {Path} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, string method, PathString path);
}
