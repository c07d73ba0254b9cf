using System.Text.Json;
using AiPlatform.Functions.Infrastructure;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Functions.Triggers;

/// <summary>The paths that messages are posted to: <c>/{function}</c>, as in <c>functions/triggers</c>.</summary>
internal static class TriggerEndpoints
{
    // A Service Bus message of 1 MiB, encoded twice.
    private const long MaxInvocation = 8 * 1024 * 1024;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddTriggers(this IServiceCollection services) => services.AddSingleton<TickRunner>();

    /// <summary>Maps one route for each registered <see cref="IQueueTrigger"/>.</summary>
    public static void MapTriggerEndpoints(this WebApplication app)
    {
        foreach (var trigger in app.Services.GetServices<IQueueTrigger>())
        {
            app.MapPost($"/{trigger.Function}", MessageAsync)
                .RequirePermission(Permission.Trigger).WithBodyLimit(MaxInvocation).WithMetadata(new QueueTriggerMetadata(trigger)).ExcludeFromDescription();
        }
    }

    private static async Task<Ok<InvocationResult>> MessageAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var trigger = context.GetEndpoint()!.Metadata.GetRequiredMetadata<QueueTriggerMetadata>().Trigger;
        using var invocation = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: cancellationToken);
        await trigger.HandleAsync(Invocation.ReadMessage(invocation.RootElement), cancellationToken);
        return TypedResults.Ok(InvocationResult.Done);
    }

    private sealed record QueueTriggerMetadata(IQueueTrigger Trigger);
}
