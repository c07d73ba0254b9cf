using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Secrets;
using Microsoft.Extensions.Options;

namespace AiPlatform.Registry.Webhooks;

/// <summary>Makes one attempt of a delivery: signed as MLflow's receivers expect it, to public addresses only.</summary>
internal sealed class WebhookSender(SecretBox secrets, IOptions<WebhookOptions> options, TimeProvider time) : IDisposable
{
    public const string SignatureHeader = "X-MLflow-Signature";
    public const string TimestampHeader = "X-MLflow-Timestamp";
    public const string DeliveryHeader = "X-MLflow-Delivery-Id";
    private const int MaxAnswer = 4_096;

    private readonly GuardedHttp _http = new(options.Value.AllowedPrivateHosts);

    /// <summary>Whether a URL may be kept as a receiver: deliveries to private networks would be refused.</summary>
    public Task<bool> MayCallAsync(Uri url, CancellationToken cancellationToken) => _http.MayCallAsync(url, cancellationToken);

    /// <summary>Sends a body. What goes wrong is in the answer.</summary>
    /// <param name="deliveryId">The same for every attempt: receivers know a repeat by it.</param>
    public async Task<WebhookAnswer> SendAsync(WebhookTarget webhook, string deliveryId, string body, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.Timeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            var timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
            request.Headers.Add(DeliveryHeader, deliveryId);
            request.Headers.Add(TimestampHeader, timestamp);
            if (webhook.Secret is { } secret)
            {
                request.Headers.TryAddWithoutValidation(SignatureHeader, Sign(secrets.Unprotect(WebhookRow.Purpose(webhook.Id), secret), deliveryId, timestamp, body));
            }

            using var response = await _http.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            return new WebhookAnswer((int)response.StatusCode, await ReadAsync(response.Content, patience.Token), null, RetryAfter(response), clock.ElapsedMilliseconds);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new WebhookAnswer(null, null, (exception.InnerException ?? exception).Message, null, clock.ElapsedMilliseconds);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new WebhookAnswer(null, null, $"There was no answer within {options.Value.Timeout.TotalSeconds:0.#} s.", null, clock.ElapsedMilliseconds);
        }
        catch (CryptographicException)
        {
            return new WebhookAnswer(null, null, "The secret cannot be decrypted: set it again.", null, clock.ElapsedMilliseconds);
        }
    }

    /// <summary>The signature: <c>v1,</c> and base64 of the HMAC-SHA256 of <c>id.timestamp.body</c>.</summary>
    public static string Sign(string secret, string deliveryId, string timestamp, string body)
        => "v1," + Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{deliveryId}.{timestamp}.{body}")));

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    private TimeSpan? RetryAfter(HttpResponseMessage response)
        => response.Headers.RetryAfter is { } header ? header.Delta ?? header.Date - time.GetUtcNow() : null;

    // No more than this of an answer that may never end.
    private static async Task<string> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[MaxAnswer];
        var count = await stream.ReadAtLeastAsync(buffer, MaxAnswer, throwOnEndOfStream: false, cancellationToken);
        return Encoding.UTF8.GetString(buffer, 0, count).Replace('\0', ' ');
    }
}
