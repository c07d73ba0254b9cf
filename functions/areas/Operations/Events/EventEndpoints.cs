using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Tick;
using Microsoft.AspNetCore.Mvc;

namespace AiPlatform.Operations.Events;

/// <summary><c>GET /v1/events</c>: live events as server-sent events.</summary>
internal static class EventEndpoints
{
    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddEvents(this IServiceCollection services)
        => services.AddSingleton<EventStore>().AddSingleton<EventStreaming>().AddLoop<EventFeed>("events");

    /// <summary>Maps the route.</summary>
    public static void MapEventEndpoints(this IEndpointRouteBuilder routes)
        => routes.MapGet("/v1/events", StreamAsync).WithTags("Events").RequireAction(OperationsActions.ReadEvents).WithLongRequests()
            .Describe("streamEvents", "Live events of topics such as job:ID, run:ID, project:ID as server-sent events; Last-Event-ID resumes")
            .Produces(StatusCodes.Status200OK, contentType: "text/event-stream");

    private static Task StreamAsync(
        string topics, [FromHeader(Name = "Last-Event-ID")] string? lastEventId, Caller caller, HttpContext context, EventStreaming streaming)
        => streaming.StreamAsync(context, caller, topics, lastEventId);
}
