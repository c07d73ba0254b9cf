using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AiPlatform.Local.Triggers;

/// <summary>Sends invocations to the custom handler.</summary>
internal sealed class HandlerClient(Uri handler, string key) : IDisposable
{
    /// <summary>The header that shows that the sender is the host.</summary>
    public const string KeyHeader = "x-aip-trigger-key";

    private static readonly TimeSpan ReconnectDelay = TimeSpan.FromMilliseconds(250);

    // The longest that the Functions host lets a function run outside the Consumption plan.
    private readonly HttpClient _http = new() { BaseAddress = handler, Timeout = TimeSpan.FromMinutes(30) };

    /// <summary>Invokes a function and waits for its end. While the handler is not running, its return is waited for.</summary>
    /// <exception cref="HttpRequestException">The handler failed, or did not answer as a custom handler must.</exception>
    public async Task InvokeAsync(string function, JsonObject envelope, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(function, envelope, cancellationToken).ConfigureAwait(false);
        var body = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            throw new HttpRequestException($"{function} answered {(int)response.StatusCode}: {body}");
        }

        if (!IsObject(body))
        {
            throw new HttpRequestException($"{function} answered {(int)response.StatusCode} without a JSON object; the Functions host would wait for ever.");
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(string function, JsonObject envelope, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, function) { Content = JsonContent.Create(envelope, options: InvocationEnvelope.Json) };
                request.Headers.Add(KeyHeader, key);
                return await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
            }
            catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConnectionError)
            {
                // The host, too, invokes nothing while it starts the handler again.
                await Task.Delay(ReconnectDelay, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsObject(string body)
    {
        try
        {
            return JsonNode.Parse(body) is JsonObject;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
