using System.Diagnostics;
using System.Text.Json;
using AiPlatform.Hosting;
using AiPlatform.Hosting.Telemetry;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Dapper;
using DurableTask.Core.Exceptions;
using Grpc.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Prometheus;

namespace AiPlatform.Kernel.Delivery;

/// <summary>
/// Delivers outbox rows to the task hub: at least once, in order per instance, by any number of app instances. A claim is a
/// lease (<c>due_at</c> in the future), so that what a killed process held is delivered by another one.
/// </summary>
public sealed partial class OutboxDispatcher(
    Database database, DurableTaskClient client, StartupState state, TimeProvider time, ILogger<OutboxDispatcher> logger) : BackgroundLoop(time, logger), IDueWork
{
    private const int BatchSize = 64;
    private const int MaxAttempts = 200;
    private const int Parallel = 8;

    // Any constant that no other user of the database takes.
    private const long ClaimLock = 0x6f75_7462_6f78;
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromSeconds(15);

    // A start that is delivered again never runs again, whatever has become of the first: an id of ours names one process.
    private static readonly string[] Always = [.. StartOrchestrationOptionsExtensions.ValidDedupeStatuses.Select(static status => status.ToString())];
    private static readonly Counter Delivered = Metrics.CreateCounter("aiplatform_outbox_delivered_total", "Outbox messages delivered.", "kind");
    private static readonly Counter Failed = Metrics.CreateCounter("aiplatform_outbox_failed_total", "Deliveries that failed and will be repeated.", "kind");

    /// <inheritdoc />
    public string DueCondition => "EXISTS (SELECT 1 FROM outbox WHERE NOT parked AND due_at <= now())";

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromMinutes(1);

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await state.WaitAsync(cancellationToken);
        var rows = await ClaimAsync(cancellationToken);
        await System.Threading.Tasks.Parallel.ForEachAsync(
            rows.GroupBy(static row => row.InstanceId, StringComparer.Ordinal),
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken },
            async (instance, token) => await DeliverInOrderAsync([.. instance.OrderBy(static row => row.Id)], token));
        return rows.Count == BatchSize;
    }

    // One claim at a time in the whole platform: only so is "no earlier message of this instance is under way" true when
    // it is read. The lock is held for the statement, not for the delivery.
    private Task<IReadOnlyList<Row>> ClaimAsync(CancellationToken cancellationToken)
        => database.InTransactionAsync<IReadOnlyList<Row>>(
            async (connection, transaction) =>
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    "SELECT pg_advisory_xact_lock(@ClaimLock)", new { ClaimLock }, transaction, cancellationToken: cancellationToken));
                return (await connection.QueryAsync<Row>(new CommandDefinition(
                    """
                    WITH due AS (
                        SELECT id FROM outbox o
                        WHERE NOT parked AND due_at <= now()
                          AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.instance_id = o.instance_id AND e.id < o.id AND NOT e.parked AND e.due_at > now())
                        ORDER BY id LIMIT @BatchSize)
                    UPDATE outbox SET due_at = now() + @Lease, attempts = attempts + 1 FROM due WHERE outbox.id = due.id
                    RETURNING outbox.id, kind, instance_id, name, payload, traceparent, attempts
                    """,
                    new { BatchSize, Lease },
                    transaction,
                    cancellationToken: cancellationToken))).AsList();
            },
            cancellationToken);

    private async Task DeliverInOrderAsync(List<Row> rows, CancellationToken cancellationToken)
    {
        var delivered = new List<long>(rows.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            try
            {
                await DeliverAsync(row, cancellationToken);
                Delivered.WithLabels(row.Kind).Inc();
                delivered.Add(row.Id);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                Failed.WithLabels(row.Kind).Inc();
                LogFailed(logger, row.Kind, row.InstanceId, exception.GetType().Name, exception.Message, row.Attempts);
                await PostponeAsync(rows[i..], exception.Message, cancellationToken);
                break;
            }
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition("DELETE FROM outbox WHERE id = ANY(@delivered)", new { delivered }, cancellationToken: cancellationToken));
    }

    private async Task DeliverAsync(Row row, CancellationToken cancellationToken)
    {
        using var span = Traces.Continue("outbox.deliver", ActivityKind.Internal, row.Traceparent);
        span.SetTag("aiplatform.outbox.kind", row.Kind).SetTag("aiplatform.instance.id", row.InstanceId);
        var payload = row.Payload is null ? (object?)null : JsonSerializer.Deserialize<JsonElement>(row.Payload);
        try
        {
            switch (row.Kind)
            {
                case OutboxMessage.StartKind:
                    await client.ScheduleNewOrchestrationInstanceAsync(
                        new TaskName(row.Name!), payload, new StartOrchestrationOptions(row.InstanceId) { DedupeStatuses = Always }, cancellationToken);
                    break;
                case OutboxMessage.EventKind:
                    await client.RaiseEventAsync(row.InstanceId, row.Name!, payload, cancellationToken);
                    break;
                case OutboxMessage.TerminateKind:
                    await client.TerminateInstanceAsync(row.InstanceId, new TerminateInstanceOptions(payload), cancellationToken);
                    break;
                default:
                    throw new InvalidOperationException($"Unknown outbox kind {row.Kind}.");
            }
        }
        catch (OrchestrationAlreadyExistsException)
        {
            // An earlier delivery arrived and its answer got lost.
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            // The start was delivered before this message: what is unknown now has ended and was purged.
        }
    }

    private async Task PostponeAsync(List<Row> rows, string error, CancellationToken cancellationToken)
    {
        var first = rows[0];
        var ceiling = Math.Min(MaxBackOff.TotalMilliseconds, 100 * Math.Pow(2, Math.Min(first.Attempts, 16)));
        var delay = TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2)));
        await using var connection = await database.OpenAsync(cancellationToken);

        // The messages behind the failed one were not tried: they wait with it, and their attempt does not count.
        await connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE outbox SET
                due_at = now() + @delay,
                last_error = left(@error, 500),
                parked = id = @first AND attempts >= @MaxAttempts,
                attempts = CASE WHEN id = @first THEN attempts ELSE attempts - 1 END
            WHERE id = ANY(@ids)
            """,
            new { delay, error, first = first.Id, MaxAttempts, ids = rows.ConvertAll(static row => row.Id) },
            cancellationToken: cancellationToken));
    }

    private sealed record Row
    {
        public long Id { get; init; }

        public required string Kind { get; init; }

        public required string InstanceId { get; init; }

        public string? Name { get; init; }

        public string? Payload { get; init; }

        public string? Traceparent { get; init; }

        public int Attempts { get; init; }
    }

    [LoggerMessage(130, LogLevel.Warning, "Delivery of {Kind} to {InstanceId} failed: {Error} {Reason} (attempt {Attempt})")]
    private static partial void LogFailed(ILogger logger, string kind, string instanceId, string error, string reason, int attempt);
}
