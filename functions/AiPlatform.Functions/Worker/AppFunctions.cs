using AiPlatform.Kernel.Postgres;
using Microsoft.Azure.Functions.Worker;

namespace AiPlatform.Functions.Worker;

/// <summary>
/// The app's functions under a Functions host: one for each part of the API, made from the routes, one for what is left, and a timer. Each hands over to the app's own pipeline, which knows the
/// routes. The host goes through them in the order of their names and takes the first route that fits: what catches everything comes last.
/// No methods: one that is not listed would be a 404 of the host's.
/// </summary>
/// <param name="entry">The way into the app.</param>
public sealed partial class AppFunctions(WorkerEntry entry)
{
    private const AuthorizationLevel Open = AuthorizationLevel.Anonymous; // The app authenticates.

    /// <summary>Requests to <c>/{*path}</c>.</summary>
    [Function("zz-site")]
    public Task ZzSiteAsync([HttpTrigger(Open, Route = "{*path}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Runs what is due in the background.</summary>
    [Function("tick")]
    public Task TickAsync([TimerTrigger("*/10 * * * * *")] TimerInfo timer, CancellationToken cancellationToken) => entry.TickAsync(cancellationToken);
}
