using AiPlatform.Contracts;
using AiPlatform.Contracts.Deliveries;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Operations.Deliveries;

/// <summary>Routes of what leaves the platform, for administrators: whatever channel an area brings is here by itself.</summary>
internal static class DeliveryEndpoints
{
    private const int MaxId = 200;

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapDeliveryEndpoints(this IEndpointRouteBuilder routes)
    {
        var deliveries = routes.MapGroup("/v1/deliveries").WithTags("Deliveries").RequireAction(OperationsActions.AdministerDeliveries);
        deliveries.MapGet("/", ListAsync)
            .Describe("listDeliveryChannels", "List the channels of deliveries and what each has to do");
        deliveries.MapGet("/{channel}/parked", ListParkedAsync)
            .Describe("listParkedDeliveries", "List the deliveries of a channel that were given up");
        deliveries.MapPost("/{channel}/replay", ReplayAsync)
            .Describe("replayDeliveries", "Deliver again what was given up, some of it or all");
        return routes;
    }

    private static async Task<Ok<Page<DeliveryChannel>>> ListAsync(IEnumerable<DeliveryQueue> queues, CancellationToken cancellationToken)
    {
        var channels = new List<DeliveryChannel>();
        foreach (var queue in queues.OrderBy(static queue => queue.Channel, StringComparer.Ordinal))
        {
            var counts = await queue.CountAsync(cancellationToken);
            channels.Add(new DeliveryChannel(queue.Channel, counts.Waiting, counts.Parked, counts.OldestAt));
        }

        return TypedResults.Ok(new Page<DeliveryChannel>(channels));
    }

    private static async Task<Ok<Page<ParkedDelivery>>> ListParkedAsync(
        string channel, [AsParameters] PageRequest page, IEnumerable<DeliveryQueue> queues, CancellationToken cancellationToken)
    {
        var rows = await Of(queues, channel).ListParkedAsync(page.Key(), page.Size + 1, cancellationToken);
        return TypedResults.Ok(page.ToPage(
            rows, static row => new ParkedDelivery(row.Id, row.Key, row.Kind, row.Attempts, row.LastError, row.CreatedAt), static row => [row.Id]));
    }

    private static async Task<Ok<ReplayedDeliveries>> ReplayAsync(
        string channel, ReplayDeliveriesRequest? request, IEnumerable<DeliveryQueue> queues, CancellationToken cancellationToken)
    {
        var ids = request?.Deliveries;
        Check.That(ids is null || ids.Count is >= 1 and <= DeliveryQueue.MostReplayed, "deliveries", "count", 1, DeliveryQueue.MostReplayed);
        foreach (var id in ids ?? [])
        {
            Check.Length(id, "deliveries", 1, MaxId);
        }

        var queue = Of(queues, channel);
        var replayed = await queue.ReplayAsync(ids?.ToArray(), cancellationToken);
        return TypedResults.Ok(new ReplayedDeliveries(replayed, (await queue.CountAsync(cancellationToken)).Parked > 0));
    }

    private static DeliveryQueue Of(IEnumerable<DeliveryQueue> queues, string channel)
        => queues.FirstOrDefault(queue => queue.Channel == channel) ?? throw ApiException.NotFound("deliveryChannel", channel);
}
