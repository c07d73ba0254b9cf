using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Dapper;
using Microsoft.Extensions.Options;
using Prometheus;

namespace AiPlatform.Registry.Webhooks;

/// <summary>
/// Delivers to webhooks, at least once, by any number of instances. A claim is a lease: what a killed process held, another
/// one delivers. Of each webhook one delivery at a time, so that a slow receiver delays only its own.
/// </summary>
internal sealed class WebhookDispatcher(
    Database database, WebhookSender sender, IOptions<WebhookOptions> options, StartupState state, TimeProvider time, ILogger<WebhookDispatcher> logger)
    : BackgroundLoop(time, logger), IDueWork
{
    // What is claimed is what it is woken by.
    private const string IsDue =
        "w.status = 'ACTIVE' AND EXISTS (SELECT 1 FROM webhook_deliveries e WHERE e.webhook_id = w.id AND NOT e.given_up AND e.due_at <= @now)";

    private const int BatchSize = 32;
    private const int MaxError = 500;
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromHours(24);
    private static readonly Counter Attempts = Metrics.CreateCounter("aiplatform_webhook_attempts_total", "Attempts to deliver to webhooks.", "outcome");
    private readonly TimeProvider _time = time;

    /// <inheritdoc />
    public string DueCondition => $"EXISTS (SELECT 1 FROM webhooks w WHERE {IsDue})";

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromMinutes(1);

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await state.WaitAsync(cancellationToken);
        var claimed = await ClaimAsync(cancellationToken);
        await Parallel.ForEachAsync(
            claimed, new ParallelOptions { MaxDegreeOfParallelism = BatchSize, CancellationToken = cancellationToken }, async (delivery, token) => await DeliverAsync(delivery, token));
        return claimed.Count > 0;
    }

    private async Task<IReadOnlyList<Delivery>> ClaimAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var now = _time.GetUtcNow();
        return (await connection.QueryAsync<Delivery>(new CommandDefinition(
            $"""
            WITH due AS (
                SELECT d.id FROM webhooks w CROSS JOIN LATERAL (
                    SELECT id, due_at FROM webhook_deliveries WHERE webhook_id = w.id AND NOT given_up AND due_at <= @now ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) d
                WHERE {IsDue} LIMIT @BatchSize)
            UPDATE webhook_deliveries d SET due_at = @lease, attempts = attempts + 1 FROM due WHERE d.id = due.id
            RETURNING d.id, d.webhook_id, d.body, d.attempts
            """,
            new { now, lease = now + options.Value.Timeout + Margin, BatchSize },
            cancellationToken: cancellationToken))).AsList();
    }

    private async Task DeliverAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var webhook = await connection.QuerySingleOrDefaultAsync<WebhookRow>(new CommandDefinition(
            $"SELECT {WebhookRow.Columns} FROM webhooks WHERE id = @WebhookId", delivery, cancellationToken: cancellationToken));
        if (webhook is null)
        {
            return;
        }

        await connection.CloseAsync();
        var answer = await sender.SendAsync(webhook, delivery.Id, delivery.Body, cancellationToken);
        Attempts.WithLabels(answer.Success ? "delivered" : answer.Gone ? "gone" : "failed").Inc();
        await connection.OpenAsync(cancellationToken);
        if (answer.Success)
        {
            await connection.ExecuteAsync(new CommandDefinition("DELETE FROM webhook_deliveries WHERE id = @Id", delivery, cancellationToken: cancellationToken));
            return;
        }

        var last = answer.Gone || delivery.Attempts > options.Value.Pauses.Count;
        await connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE webhook_deliveries SET due_at = @due, given_up = @last, last_status = @Status, last_error = @error WHERE id = @Id;
            UPDATE webhooks SET status = 'DISABLED', updated_at = @now WHERE id = @WebhookId AND @Gone
            """,
            new
            {
                delivery.Id,
                delivery.WebhookId,
                last,
                answer.Status,
                answer.Gone,
                error = (answer.Error ?? answer.Body) is { Length: > MaxError } text ? text[..MaxError] : answer.Error ?? answer.Body,
                due = _time.GetUtcNow() + (last ? TimeSpan.Zero : Pause(delivery.Attempts, answer.RetryAfter)),
                now = _time.GetUtcNow(),
            },
            cancellationToken: cancellationToken));
    }

    private TimeSpan Pause(int attempts, TimeSpan? asked)
    {
        var pause = options.Value.Pauses[attempts - 1] * (1 + (Random.Shared.NextDouble() / 5));
        return asked is { } least && least > pause ? least < MaxRetryAfter ? least : MaxRetryAfter : pause;
    }

    private sealed record Delivery
    {
        public required string Id { get; init; }

        public required string WebhookId { get; init; }

        public required string Body { get; init; }

        /// <summary>This one included.</summary>
        public int Attempts { get; init; }
    }
}
