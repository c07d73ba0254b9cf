using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Functions.Worker;

/// <summary>The app's whole pipeline, from its first middleware to its routes, for requests that arrive through another server.</summary>
internal sealed class AppPipeline
{
    private readonly TaskCompletionSource<RequestDelegate> _built = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Runs a request through the pipeline; one that comes while the app still starts waits for it.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var pipeline = await _built.Task.WaitAsync(context.RequestAborted);
        await pipeline(context);
    }

    /// <summary>As the first middleware, sees everything that follows.</summary>
    public RequestDelegate Capture(RequestDelegate next)
    {
        _built.TrySetResult(next);
        return next;
    }
}
