using System.Net;
using System.Net.Http.Headers;
using System.Net.Mime;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Hosting;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Secrets;
using AiPlatform.Kernel.Tick;
using Dapper;
using Microsoft.Extensions.Options;
using Prometheus;

namespace AiPlatform.Operations.Lineage;

/// <summary>
/// Delivers OpenLineage events to receivers: at least once, in order per receiver, by any number of instances. A claim is a lease. A receiver
/// that fails is left alone for a while that grows; the events of others go on. Requests are signed as Standard Webhooks asks.
/// </summary>
internal sealed partial class LineageEmitter(
    Database database, OpenLineageDocument document, SecretBox secrets, LineageHttp http, StartupState state, IOptions<LineageOptions> options, TimeProvider time,
    ILogger<LineageEmitter> logger) : BackgroundLoop(time, logger), IDueWork
{
    private const int BatchOfReceiver = 16;
    private const int MaxReceivers = 64;
    private const int Parallel = 8;
    private const int MaxError = 500;

    // Any constant that no other user of the database takes.
    private const long ClaimLock = 0x6c69_6e65_6167;
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);
    private static readonly Counter Delivered = Metrics.CreateCounter("aiplatform_lineage_delivered_total", "OpenLineage events delivered.");
    private static readonly Counter Failed = Metrics.CreateCounter("aiplatform_lineage_failed_total", "OpenLineage deliveries that failed.");

    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;

    /// <inheritdoc />
    public string DueCondition => "EXISTS (SELECT 1 FROM lineage_outbox WHERE NOT parked AND due_at <= now())";

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => TimeSpan.FromMinutes(1);

    // Longer than the budget and one more delivery: what is under way is nobody else's.
    private TimeSpan Lease => Budget + (2 * options.Value.DeliveryTimeout);

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await state.WaitAsync(cancellationToken);
        var rows = await ClaimAsync(cancellationToken);
        await System.Threading.Tasks.Parallel.ForEachAsync(
            rows.GroupBy(static row => row.ReceiverId, StringComparer.Ordinal),
            new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellationToken },
            async (receiver, token) => await DeliverAsync([.. receiver.OrderBy(static row => row.Id)], token));
        return rows.Count > 0;
    }

    private Task<IReadOnlyList<DeliveryRow>> ClaimAsync(CancellationToken cancellationToken)
        => database.InWorkAsync<IReadOnlyList<DeliveryRow>>(
            async work =>
            {
                // One claim at a time: only so are a receiver's events under way in one place, and in order.
                await work.ExecuteAsync("SELECT pg_advisory_xact_lock(@ClaimLock)", new { ClaimLock });
                return await work.QueryAsync<DeliveryRow>(
                    """
                    WITH due AS (
                        SELECT o.id FROM (
                            SELECT id FROM lineage_receivers r WHERE enabled AND (retry_at IS NULL OR retry_at <= now())
                              AND EXISTS (SELECT 1 FROM lineage_outbox w WHERE w.receiver_id = r.id AND NOT w.parked)
                              AND NOT EXISTS (SELECT 1 FROM lineage_outbox u WHERE u.receiver_id = r.id AND NOT u.parked AND u.due_at > now())
                            ORDER BY coalesce(delivered_at, '-infinity') LIMIT @MaxReceivers) r
                        CROSS JOIN LATERAL (SELECT id FROM lineage_outbox o WHERE o.receiver_id = r.id AND NOT o.parked ORDER BY o.id LIMIT @BatchOfReceiver) o)
                    UPDATE lineage_outbox o SET due_at = now() + @Lease, attempts = attempts + 1 FROM due, lineage_receivers r
                    WHERE o.id = due.id AND r.id = o.receiver_id
                    RETURNING o.id, o.receiver_id, o.run_id, o.event_type, o.event_at, o.attempts, r.url, r.authorization_secret, r.signing_secret, r.failures
                    """,
                    new { MaxReceivers, BatchOfReceiver, Lease });
            },
            cancellationToken);

    private async Task DeliverAsync(List<DeliveryRow> rows, CancellationToken cancellationToken)
    {
        var end = _time.GetUtcNow() + Budget;
        var (done, parked) = (new List<long>(), new List<long>());
        Outcome? failure = null;
        var tried = 0;
        foreach (var row in rows)
        {
            if (_time.GetUtcNow() > end)
            {
                break;
            }

            tried++;
            var outcome = await SendAsync(row, cancellationToken);
            if (outcome.Error is null)
            {
                done.Add(row.Id);
                continue;
            }

            Failed.Inc();
            LogFailed(_logger, row.EventType, row.RunId, row.ReceiverId, outcome.Error);
            failure = outcome;
            if (outcome.IsEventRefused || row.Attempts >= options.Value.MaxAttempts)
            {
                parked.Add(row.Id);
            }

            if (!outcome.IsEventRefused)
            {
                break;
            }
        }

        Delivered.Inc(done.Count);
        await database.InWorkAsync(work => SettleAsync(work, rows, tried, done, parked, failure), cancellationToken);
    }

    private async Task SettleAsync(UnitOfWork work, List<DeliveryRow> rows, int tried, List<long> done, List<long> parked, Outcome? failure)
    {
        var receiverFailed = failure is { IsEventRefused: false };
        await work.ExecuteAsync(
            """
            DELETE FROM lineage_outbox WHERE id = ANY(@done);
            UPDATE lineage_outbox SET parked = true WHERE id = ANY(@parked);
            UPDATE lineage_outbox SET due_at = now() WHERE id = ANY(@ids);
            UPDATE lineage_outbox SET attempts = attempts - 1 WHERE id = ANY(@untried);
            UPDATE lineage_receivers SET last_error = @error, delivered_at = CASE WHEN @delivered THEN now() ELSE delivered_at END,
                failures = CASE WHEN @receiverFailed THEN failures + 1 ELSE 0 END, retry_at = CASE WHEN @receiverFailed THEN now() + @pause END,
                enabled = enabled AND NOT @gone
            WHERE id = @receiver
            """,
            new
            {
                done,
                parked,
                ids = rows.ConvertAll(static row => row.Id),
                untried = rows.Skip(tried).Select(static row => row.Id).ToArray(),
                error = failure?.Error is { } text ? text[..Math.Min(text.Length, MaxError)] : null,
                delivered = done.Count > 0,
                receiverFailed,
                pause = receiverFailed ? Pause(done.Count > 0 ? 1 : rows[0].Failures + 1, failure!.RetryAfter) : TimeSpan.Zero,
                gone = failure?.IsGone ?? false,
                receiver = rows[0].ReceiverId,
            });
    }

    private TimeSpan Pause(int failures, TimeSpan? retryAfter)
    {
        var pause = BackOff.After(failures, options.Value.FirstRetry, options.Value.LongestRetry);
        return retryAfter is { } asked && asked > pause ? (asked < LongestRetryAfter ? asked : LongestRetryAfter) : pause;
    }

    private async Task<Outcome> SendAsync(DeliveryRow row, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.DeliveryTimeout);
        try
        {
            if (await document.BuildAsync(row.RunId, row.EventType, row.EventAt, patience.Token) is not { } body)
            {
                return new Outcome(); // The run is gone for good: there is nothing to tell any more.
            }

            using var request = Request(row, body);
            using var response = await http.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            return response.IsSuccessStatusCode ? new Outcome() : new Outcome($"HTTP {(int)response.StatusCode}")
            {
                IsEventRefused = response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity,
                IsGone = response.StatusCode == HttpStatusCode.Gone,
                RetryAfter = response.Headers.RetryAfter?.Delta,
            };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new Outcome((exception.InnerException as ForbiddenAddressException ?? exception).Message);
        }
        catch (CryptographicException)
        {
            return new Outcome("The receiver's secrets were stored under another signing key; give them again.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new Outcome($"No answer within {options.Value.DeliveryTimeout.TotalSeconds:0} s.");
        }
    }

    private HttpRequestMessage Request(DeliveryRow row, byte[] body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, row.Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypeNames.Application.Json);
        if (row.AuthorizationSecret is { } authorization)
        {
            request.Headers.TryAddWithoutValidation("Authorization", secrets.Unprotect(LineageReceivers.AuthorizationOf(row.ReceiverId), authorization));
        }

        // The id stays over repeats, so that the receiver can tell one.
        var (id, timestamp) = ($"lineage_{row.Id}", _time.GetUtcNow().ToUnixTimeSeconds());
        var key = Convert.FromBase64String(secrets.Unprotect(LineageReceivers.SigningOf(row.ReceiverId), row.SigningSecret)["whsec_".Length..]);
        var signature = HMACSHA256.HashData(key, (byte[])[.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body]);
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", $"{timestamp}");
        request.Headers.TryAddWithoutValidation("webhook-signature", $"v1,{Convert.ToBase64String(signature)}");
        return request;
    }

    private sealed record Outcome(string? Error = null)
    {
        /// <summary>The receiver is there and does not want this event; others may be welcome.</summary>
        public bool IsEventRefused { get; init; }

        /// <summary>The receiver wants no more events at all.</summary>
        public bool IsGone { get; init; }

        public TimeSpan? RetryAfter { get; init; }
    }

    private sealed class DeliveryRow
    {
        public long Id { get; init; }

        public required string ReceiverId { get; init; }

        public required string RunId { get; init; }

        public required string EventType { get; init; }

        public DateTimeOffset EventAt { get; init; }

        public int Attempts { get; init; }

        public required string Url { get; init; }

        public byte[]? AuthorizationSecret { get; init; }

        public required byte[] SigningSecret { get; init; }

        public int Failures { get; init; }
    }

    [LoggerMessage(850, LogLevel.Warning, "OpenLineage event {Type} of run {Run} was not delivered to receiver {Receiver}: {Reason}")]
    private static partial void LogFailed(ILogger logger, string type, string run, string receiver, string reason);
}
