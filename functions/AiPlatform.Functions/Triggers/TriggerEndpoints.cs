using AiPlatform.Functions.Infrastructure;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Functions.Triggers;

/// <summary>The paths that the Functions host posts invocations to: <c>/{function}</c>, as in <c>functions/triggers</c>.</summary>
internal static class TriggerEndpoints
{
    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddTriggers(this IServiceCollection services) => services.AddSingleton<TickRunner>();

    /// <summary>Maps the timer.</summary>
    public static void MapTriggerEndpoints(this WebApplication app)
        => app.MapPost("/tick", TickAsync).RequirePermission(Permission.Trigger).ExcludeFromDescription();

    // The schedule's details in the body do not matter: a tick says "look now".
    private static async Task<Ok<InvocationResult>> TickAsync(TickRunner runner, CancellationToken cancellationToken)
    {
        await runner.RunAsync(cancellationToken);
        return TypedResults.Ok(InvocationResult.Done);
    }
}
