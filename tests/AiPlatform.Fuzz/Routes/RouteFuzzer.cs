using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using AiPlatform.Client;
using AiPlatform.Fuzz.Fuzzing;

namespace AiPlatform.Fuzz.Routes;

/// <summary>Requests to every route of a running platform: none may be answered with an error of the server, or not at all.</summary>
/// <param name="http">The platform; no token.</param>
/// <param name="administrator">Who may do the most.</param>
/// <param name="services">The platform's own services, whose routes are routes too.</param>
internal sealed partial class RouteFuzzer(FuzzReport report, HttpClient http, ITokenSource administrator, IReadOnlyList<ITokenSource> services)
{
    private const int AtOnce = 4;
    private const int Round = 1_000;
    private const int MaxAnswer = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // The account that the fuzzer itself uses stays as it is.
    private static readonly string[] Spared = ["POST /v1/users/me/password", "POST /v1/auth/logout", "PATCH /v1/users/{id}"];

    private readonly ValuePool _pool = new();
    private readonly FixedTokenSource _nobody = new(null);
    private readonly ConcurrentDictionary<string, int> _answers = new(StringComparer.Ordinal);

    /// <summary>Operations that answered, and none of whose requests succeeded: a fuzzer sees little of these.</summary>
    public IReadOnlyList<string> NeverSucceeded => [.. _answers.Where(static pair => pair.Value == 0).Select(static pair => pair.Key).Order(StringComparer.Ordinal)];

    /// <summary>Goes on until the budget is spent.</summary>
    public async Task RunAsync(int seed, FuzzBudget budget, Func<RouteOperation, bool>? which = null)
    {
        var catalog = await RouteCatalog.LoadAsync(http);
        var operations = catalog.Operations.Where(operation => !Spared.Contains($"{operation.Method} {operation.Pattern}") && (which?.Invoke(operation) ?? true)).ToList();
        var api = new AiPlatformClient(http, administrator);
        var maker = new RequestMaker(catalog, _pool);
        var random = new Random(seed);
        for (var isOver = false; !isOver;)
        {
            await RouteWorld.CreateAsync(api, _pool, random, CancellationToken.None);
            var seeds = new ConcurrentQueue<int>(Enumerable.Range(0, Round).Select(_ => random.Next()));
            await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
            {
                while (seeds.TryDequeue(out var next))
                {
                    if (!budget.Take())
                    {
                        isOver = true;
                        return;
                    }

                    var chosen = new Random(next);
                    var operation = operations[chosen.Next(operations.Count)];
                    await TryAsync(operation, maker.Make(operation, chosen), Caller(chosen), chosen);
                }
            }));
        }
    }

    /// <summary>Sends one request as the administrator, such as one that was kept.</summary>
    public Task<int> TryAsync(FuzzRequest request) => TryAsync(new RouteOperation(request.Method, request.Url.Split('?')[0], [], null, []), request, administrator, new Random(0));

    private ITokenSource Caller(Random random) => random.Next(40) switch
    {
        0 => _nobody,
        1 => new FixedTokenSource(HostileValues.Text(random).Length > 5 ? "aip_unknown" : "e30.e30.e30"),
        < 7 when services.Count > 0 => services[random.Next(services.Count)],
        _ => administrator,
    };

    private async Task<int> TryAsync(RouteOperation operation, FuzzRequest request, ITokenSource caller, Random random)
    {
        if (request.ToMessage() is not { } message)
        {
            return 0;
        }

        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var token = await caller.GetTokenAsync(null, patience.Token);
            message.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
            using var answer = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            var body = await BodyAsync(answer, patience.Token);
            Judge(operation, request, answer.StatusCode, body, random);
            return (int)answer.StatusCode;
        }
        catch (OperationCanceledException)
        {
            report.Add(new Finding("routes", $"no answer in {Patience.TotalSeconds} s: {operation.Method} {operation.Pattern}", request.Write(), string.Empty));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            // A server may close a connection on whose request it gives up; that is seen when it does not answer the next.
            report.Add(new Finding("routes", $"{Inner(exception)}: {operation.Method} {operation.Pattern}", request.Write(), exception.ToString()));
        }
        finally
        {
            message.Dispose();
        }

        return 0;
    }

    private void Judge(RouteOperation operation, FuzzRequest request, HttpStatusCode status, byte[] body, Random random)
    {
        if ((int)status >= 500 && status != HttpStatusCode.NotImplemented)
        {
            report.Add(new Finding("routes", $"{(int)status} {operation.Method} {operation.Pattern} {Stable(body)}", request.Write(), Encoding.UTF8.GetString(body)));
            return;
        }

        report.Count($"routes {(int)status}");
        _answers.AddOrUpdate($"{operation.Method} {operation.Pattern}", (int)status < 300 ? 1 : 0, (_, count) => count + ((int)status < 300 ? 1 : 0));
        if ((int)status < 300 && body is [(byte)'{' or (byte)'[', ..])
        {
            try
            {
                using var json = JsonDocument.Parse(body);
                _pool.Take(json.RootElement, operation.Pattern.Split('/').LastOrDefault(static part => part.Length > 0 && part[0] != '{')?.TrimEnd('s') ?? string.Empty, random);
            }
            catch (JsonException)
            {
                // A file that was asked for, or a long answer of which only the beginning was read.
            }
        }
    }

    private static async Task<byte[]> BodyAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            return [];
        }

        await using var stream = await answer.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[MaxAnswer];
        return buffer[..await stream.ReadAtLeastAsync(buffer, MaxAnswer, throwOnEndOfStream: false, cancellationToken)];
    }

    // What differs from one answer to the next is no part of a problem.
    private static string Stable(byte[] body)
    {
        var text = Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 400)));
        return text.Contains("\"code\"", StringComparison.Ordinal) && Code().Match(text) is { Success: true } code ? code.Groups["code"].Value : string.Empty;
    }

    private static string Inner(Exception exception) => exception.InnerException is { } inner ? Inner(inner) : $"{exception.GetType().Name} {exception.Message}";

    [GeneratedRegex(@"""code""\s*:\s*""(?<code>[^""]*)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Code();
}
