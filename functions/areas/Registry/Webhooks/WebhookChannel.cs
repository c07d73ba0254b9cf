using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;

namespace AiPlatform.Registry.Webhooks;

/// <summary>Delivers to webhooks. Of each webhook one delivery at a time; one that failed lets the next ones pass.</summary>
internal sealed class WebhookChannel(WebhookSender sender, IOptions<WebhookOptions> options, TimeProvider time) : IDeliveryChannel<WebhookDelivery>
{
    private const int Parallel = 32;
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromHours(24);

    /// <inheritdoc />
    public static string Name => "webhooks";

    /// <inheritdoc />
    public static DeliveryTable Table { get; } = new("webhook_deliveries", "webhook_id", "d.body, t.url, t.secret")
    {
        IdType = "text",
        Order = "due_at",
        IsOrdered = false,
        Parked = "given_up",
        Kind = "event",
        Targets = new DeliveryTargets("webhooks", "t.status = 'ACTIVE'"),
    };

    /// <inheritdoc />
    public DeliveryPace Pace { get; } = new(Parallel, Keys: Parallel, OfKey: 1, options.Value.Timeout, Budget);

    /// <inheritdoc />
    public async Task<DeliveryAnswer> DeliverAsync(WebhookDelivery row, CancellationToken cancellationToken)
    {
        var answer = await sender.SendAsync(new WebhookTarget(row.Key, row.Url, row.Secret), row.Id, row.Body, cancellationToken);
        return new DeliveryAnswer(answer.Success ? null : answer.Error ?? answer.Body ?? string.Empty) { Status = answer.Status, RetryAfter = answer.RetryAfter };
    }

    /// <inheritdoc />
    public TimeSpan? PauseAfter(WebhookDelivery row, DeliveryAnswer answer)
    {
        if (IsGone(answer) || row.Attempts > options.Value.Pauses.Count)
        {
            return null;
        }

        var pause = options.Value.Pauses[row.Attempts - 1] * (1 + (Random.Shared.NextDouble() / 5));
        return answer.RetryAfter is { } least && least > pause ? least < MaxRetryAfter ? least : MaxRetryAfter : pause;
    }

    /// <inheritdoc />
    public Task SettleAsync(UnitOfWork work, DeliveryGroup<WebhookDelivery> group)
        => group.Failed.Count == 0 ? Task.CompletedTask : work.ExecuteAsync(
            """
            UPDATE webhook_deliveries d SET last_status = u.status FROM unnest(@ids, @statuses) AS u (id, status) WHERE d.id = u.id;
            UPDATE webhooks SET status = 'DISABLED', updated_at = @now WHERE id = @Key AND @gone
            """,
            new
            {
                ids = group.Failed.Select(static item => item.Row.Id).ToArray(),
                statuses = group.Failed.Select(static item => item.Answer.Status).ToArray(),
                group.Key,
                gone = IsGone(group.Failure!),
                now = time.GetUtcNow(),
            });

    // The receiver wants no more events.
    private static bool IsGone(DeliveryAnswer answer) => answer.Status == StatusCodes.Status410Gone;
}
