using System.Net;
using System.Net.Http.Headers;
using System.Net.Mime;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Hosting;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Secrets;
using Microsoft.Extensions.Options;

namespace AiPlatform.Operations.Lineage;

/// <summary>
/// Delivers OpenLineage events to receivers, in order per receiver. One that fails is left alone for a while that grows, whichever event it is about;
/// an event that is refused lets the next ones pass. Requests are signed as Standard Webhooks asks.
/// </summary>
internal sealed class LineageChannel(
    OpenLineageDocument document, SecretBox secrets, LineageHttp http, IOptions<LineageOptions> options, TimeProvider time) : IDeliveryChannel<LineageDelivery>
{
    private const int Parallel = 32;
    private const int OfReceiver = 16;
    private const int MaxError = 500;
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);

    /// <inheritdoc />
    public static string Name => "lineage";

    /// <inheritdoc />
    public static DeliveryTable Table { get; } = new(
        "lineage_outbox", "receiver_id", "d.run_id, d.event_type, d.event_at, t.url, t.authorization_secret, t.signing_secret")
    {
        Kind = "event_type",
        CreatedAt = "event_at",
        Targets = new DeliveryTargets("lineage_receivers", "t.enabled AND (t.retry_at IS NULL OR t.retry_at <= now())"),
    };

    /// <inheritdoc />
    public DeliveryPace Pace { get; } = new(Parallel, Keys: Parallel, OfReceiver, options.Value.DeliveryTimeout, Budget);

    /// <inheritdoc />
    public async Task<DeliveryAnswer> DeliverAsync(LineageDelivery row, CancellationToken cancellationToken)
    {
        if (await document.BuildAsync(row.RunId, row.EventType, row.EventAt, cancellationToken) is not { } body)
        {
            return DeliveryAnswer.Delivered; // The run is gone for good: there is nothing to tell any more.
        }

        try
        {
            using var request = Request(row, body);
            using var response = await http.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return response.IsSuccessStatusCode ? DeliveryAnswer.Delivered : new DeliveryAnswer($"HTTP {(int)response.StatusCode}")
            {
                Status = (int)response.StatusCode,
                IsRefused = response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity,
                RetryAfter = response.Headers.RetryAfter?.Delta,
            };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new DeliveryAnswer((exception.InnerException as ForbiddenAddressException ?? exception).Message);
        }
        catch (CryptographicException)
        {
            return new DeliveryAnswer("The receiver's secrets were stored under another signing key; give them again.");
        }
    }

    /// <inheritdoc />
    public TimeSpan? PauseAfter(LineageDelivery row, DeliveryAnswer answer)
        => row.Attempts >= options.Value.MaxAttempts ? null : TimeSpan.Zero; // The receiver waits, not the event.

    /// <inheritdoc />
    public async Task SettleAsync(UnitOfWork work, DeliveryGroup<LineageDelivery> group)
    {
        var failure = group.Failure;
        var receiverFailed = failure is { IsRefused: false };
        var failures = receiverFailed && group.Delivered.Count == 0
            ? await work.FindAsync<int>("SELECT failures FROM lineage_receivers WHERE id = @Key FOR NO KEY UPDATE", new { group.Key })
            : 0;
        await work.ExecuteAsync(
            """
            UPDATE lineage_receivers SET last_error = @error, delivered_at = CASE WHEN @delivered THEN now() ELSE delivered_at END,
                failures = CASE WHEN @receiverFailed THEN failures + 1 ELSE 0 END, retry_at = CASE WHEN @receiverFailed THEN now() + @pause END,
                enabled = enabled AND NOT @gone
            WHERE id = @Key
            """,
            new
            {
                error = failure?.Error is { } text ? StorableText.Of(text, MaxError) : null,
                delivered = group.Delivered.Count > 0,
                receiverFailed,
                pause = receiverFailed ? Pause(failures + 1, failure!.RetryAfter) : TimeSpan.Zero,
                gone = failure?.Status == (int)HttpStatusCode.Gone,
                group.Key,
            });
    }

    private TimeSpan Pause(int failures, TimeSpan? retryAfter)
    {
        var pause = BackOff.After(failures, options.Value.FirstRetry, options.Value.LongestRetry);
        return retryAfter is { } asked && asked > pause ? (asked < LongestRetryAfter ? asked : LongestRetryAfter) : pause;
    }

    private HttpRequestMessage Request(LineageDelivery row, byte[] body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, row.Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypeNames.Application.Json);
        if (row.AuthorizationSecret is { } authorization)
        {
            request.Headers.TryAddWithoutValidation("Authorization", secrets.Unprotect(LineageReceivers.AuthorizationOf(row.Key), authorization));
        }

        // The id stays over repeats, so that the receiver can tell one.
        var (id, timestamp) = ($"lineage_{row.Id}", time.GetUtcNow().ToUnixTimeSeconds());
        var key = Convert.FromBase64String(secrets.Unprotect(LineageReceivers.SigningOf(row.Key), row.SigningSecret)["whsec_".Length..]);
        var signature = HMACSHA256.HashData(key, (byte[])[.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body]);
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", $"{timestamp}");
        request.Headers.TryAddWithoutValidation("webhook-signature", $"v1,{Convert.ToBase64String(signature)}");
        return request;
    }
}
