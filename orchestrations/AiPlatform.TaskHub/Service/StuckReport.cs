using AiPlatform.TaskHub.Engine;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.TaskHub.Service;

/// <summary>Which of this process's instances do not get on, and why: for operators, beside the metrics.</summary>
internal static class StuckReport
{
    private const int Limit = 200;

    /// <param name="host">The engine.</param>
    /// <param name="options">Names the default hub.</param>
    /// <param name="hub">The task hub; the default one when absent.</param>
    /// <param name="olderThan">How long nothing must have happened, five minutes when absent.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public static async Task<Results<Ok<IReadOnlyList<StuckInstance>>, StatusCodeHttpResult>> GetAsync(
        EngineHost host, IOptions<TaskHubOptions> options, string? hub, TimeSpan? olderThan, CancellationToken cancellationToken)
        => host.Engine is { } engine
            ? TypedResults.Ok(engine.Stuck.Find(await engine.Hubs.FindAsync(hub ?? options.Value.DefaultHub, cancellationToken), olderThan ?? TimeSpan.FromMinutes(5), Limit))
            : TypedResults.StatusCode(StatusCodes.Status503ServiceUnavailable);
}
