using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;

namespace AiPlatform.Client;

/// <summary>
/// Typed client of the HTTP API. Every method throws <see cref="ApiException"/> for an error answer and
/// <see cref="HttpRequestException"/> when the API is away. Transient failures are retried where a repeat is harmless:
/// reads, and writes that the API makes idempotent (creations carry an <c>Idempotency-Key</c>).
/// </summary>
/// <param name="http">A client whose base address is the API.</param>
/// <param name="tokens">Where the access token comes from.</param>
/// <param name="maxAttempts">How often one call is tried in all; 1 for no retry.</param>
public sealed partial class AiPlatformClient(HttpClient http, ITokenSource tokens, int maxAttempts = 4)
{
    private const int MaxDelayMilliseconds = 5_000;

    /// <summary>A process that died holds the key of a creation for a minute; waiting for it is no failed attempt.</summary>
    private const int MaxWaitsForKey = 90;
    private static readonly TimeSpan WaitForKey = TimeSpan.FromSeconds(1);

    private Task<T> GetAsync<T>(string path, CancellationToken cancellationToken)
        => SendAsync<T>(HttpMethod.Get, path, null, cancellationToken);

    private Task<T> PostAsync<T>(string path, object? body, CancellationToken cancellationToken)
        => SendAsync<T>(HttpMethod.Post, path, Json(body), cancellationToken);

    private Task<JsonElement?> PostAsync(string path, object? body, CancellationToken cancellationToken)
        => SendAsync<JsonElement?>(HttpMethod.Post, path, Json(body), cancellationToken);

    // The content is made anew for each try: a sent content cannot be sent again.
    private static Func<HttpContent> Json(object? body)
        => () => JsonContent.Create(body ?? new { }, (body ?? new { }).GetType(), options: ContractsJson.Strict);

    private async Task<T> SendAsync<T>(
        HttpMethod method, string path, Func<HttpContent>? content, CancellationToken cancellationToken, Action<HttpRequestHeaders>? headers = null)
    {
        var idempotencyKey = Guid.NewGuid().ToString("N");
        string? rejected = null;
        var waits = 0;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var token = await tokens.GetTokenAsync(rejected, cancellationToken).ConfigureAwait(false);
                using var request = new HttpRequestMessage(method, path) { Content = content?.Invoke() };
                request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
                if (method == HttpMethod.Post)
                {
                    request.Headers.Add("Idempotency-Key", idempotencyKey);
                }

                headers?.Invoke(request.Headers);
                using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
                if (response.StatusCode == HttpStatusCode.Unauthorized && token is not null && rejected is null)
                {
                    rejected = token;
                    continue;
                }

                return await ReadAsync<T>(response, cancellationToken).ConfigureAwait(false);
            }
            catch (ApiException exception) when (maxAttempts > 1 && waits < MaxWaitsForKey && exception.Code == ErrorCodes.IdempotencyInProgress)
            {
                waits++;
                attempt--;
                await Task.Delay(WaitForKey, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (attempt < maxAttempts && IsTransient(exception, cancellationToken))
            {
                await Task.Delay(BackOff(attempt), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw await ErrorAsync(response, cancellationToken).ConfigureAwait(false);
        }

        if (response.StatusCode == HttpStatusCode.NoContent || response.Content.Headers.ContentLength == 0)
        {
            return default!;
        }

        return (await response.Content.ReadFromJsonAsync<T>(ContractsJson.Tolerant, cancellationToken).ConfigureAwait(false))!;
    }

    private static async Task<ApiException> ErrorAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        ProblemResponse? problem = null;
        if (response.Content.Headers.ContentType?.MediaType == "application/problem+json")
        {
            try
            {
                problem = JsonSerializer.Deserialize<ProblemResponse>(body, ContractsJson.Tolerant);
            }
            catch (JsonException)
            {
                // A proxy cut the document short; the status and the text still say what happened.
            }
        }

        return new ApiException(response.StatusCode, problem, body.Length > 500 ? body[..500] : body);
    }

    private static bool IsTransient(Exception exception, CancellationToken cancellationToken) => exception switch
    {
        ApiException api => api.IsTransient,
        HttpRequestException or IOException => true,
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        _ => false,
    };

    private static TimeSpan BackOff(int attempt)
        => TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * Math.Min(MaxDelayMilliseconds, 200 * Math.Pow(2, Math.Min(attempt, 10))));

    private static string Escape(string segment) => Uri.EscapeDataString(segment);

    // Artifact paths keep their slashes: the route takes the rest of the path.
    private static string EscapePath(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    // A name in the template is one segment, and with a plus the rest of the path; what has a question mark is a query parameter.
    private static string Route(string template, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var path = template;
        var query = new StringBuilder();
        foreach (var (name, value) in values)
        {
            var text = Text(value);
            if (name[0] != '?')
            {
                path = path.Replace($"{{{name}}}", Escape(text ?? string.Empty), StringComparison.Ordinal)
                    .Replace($"{{+{name}}}", EscapePath(text ?? string.Empty), StringComparison.Ordinal);
            }
            else if (text is not null)
            {
                query.Append(query.Length == 0 ? '?' : '&').Append(name.AsSpan(1)).Append('=').Append(Escape(text));
            }
        }

        return query.Insert(0, path).ToString();
    }

    private static string? Text(object? value) => value switch
    {
        null => null,
        bool flag => flag ? "true" : "false",
        DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
        IEnumerable<string> several => string.Join(',', several),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private static Action<HttpRequestHeaders>? Header(string name, object? value)
        => value is null ? null : headers => headers.TryAddWithoutValidation(name, value is long version ? $"\"{version}\"" : Text(value));
}
