using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using AiPlatform.IntegrationTests.Servers;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>
/// Every field and parameter of every route gets texts and numbers that cannot be stored, and null where something is expected. The
/// requests are made of the OpenAPI document and of the table of MLflow's routes, so that new routes are tested without asking.
/// </summary>
[Collection(ServersCollection.Name)]
public sealed class UnsoundInputTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const int AtOnce = 8;

    // What MLflow's clients send, by the names in its protocol.
    private static readonly string[] MLflowFields =
    [
        "name", "new_name", "experiment_id", "experiment_ids", "experiment_name", "artifact_location", "run_id", "run_ids", "run_uuid", "run_name", "user_id", "start_time", "end_time", "status",
        "key", "value", "timestamp", "step", "metrics", "params", "tags", "datasets", "models", "model_id", "model_json", "model_type", "source", "source_run_id", "run_link", "description",
        "version", "stage", "stages", "alias", "archive_existing_versions", "filter", "order_by", "max_results", "page_token", "view_type", "run_view_type", "metric_key", "start_step",
        "path", "num_parts", "upload_id", "parts", "expiration", "url", "events", "secret", "artifact_directory_path",
    ];

    [Fact]
    public async Task No_field_of_a_native_route_takes_them_and_none_breaks_it()
    {
        using var document = JsonDocument.Parse(await functions.Anonymous.GetStringAsync("/openapi/v1.json"));
        var hostile = new HostileJson(document.RootElement.GetProperty("components").GetProperty("schemas"));
        var requests = new List<Request>();
        foreach (var path in document.RootElement.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject().Where(static operation => operation.Value.ValueKind == JsonValueKind.Object && operation.Value.TryGetProperty("responses", out _)))
            {
                var url = Filled(path.Name);
                if (operation.Value.TryGetProperty("requestBody", out var body) && body.GetProperty("content").TryGetProperty("application/json", out var json) && json.TryGetProperty("schema", out var schema))
                {
                    requests.AddRange(hostile.Variants(schema).Select(variant => new Request(operation.Name, url, variant.Body, variant.Value, variant.Field)));
                }

                requests.AddRange(Queries(operation.Value, operation.Name, url));
            }
        }

        Assert.InRange(requests.Count, 1_000, 100_000);
        await SendAsync(requests, "invalid_request");
    }

    [Fact]
    public async Task No_field_of_a_route_of_MLflow_takes_them_and_none_breaks_it()
    {
        var requests = new List<Request>();
        foreach (var endpoint in functions.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            var pattern = endpoint.RoutePattern.RawText!;
            if (!pattern.StartsWith("/api/2.0/mlflow", StringComparison.Ordinal))
            {
                continue;
            }

            foreach (var method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods)
            {
                var url = Filled(pattern);
                requests.AddRange(method == "GET"
                    ? MLflowFields.SelectMany(field => new[] { "%00", "a%00b" }.Select(value => new Request(method, $"{url}?{field}={value}", null, value, field) { IsUnstorable = true }))
                    : method == "PUT" ? []
                    : MLflowFields.SelectMany(field => HostileJson.Unstorable.Take(6).Concat(HostileJson.Misshapen.Take(5))
                        .Select(value => new Request(method, url, $"{{\"{field}\":{value}}}", value, field) { IsOfFile = pattern.EndsWith("upload-artifact", StringComparison.Ordinal) })));
            }
        }

        Assert.InRange(requests.Count, 5_000, 200_000);
        await SendAsync(requests, "INVALID_PARAMETER_VALUE");
    }

    private static IEnumerable<Request> Queries(JsonElement operation, string method, string url)
    {
        if (!operation.TryGetProperty("parameters", out var parameters))
        {
            yield break;
        }

        foreach (var parameter in parameters.EnumerateArray().Where(static parameter => parameter.TryGetProperty("in", out var place) && place.GetString() == "query"))
        {
            var name = parameter.GetProperty("name").GetString()!;
            yield return new Request(method, $"{url}?{name}=a%00b", null, "%00", name) { IsUnstorable = true };
            yield return new Request(method, $"{url}?{name}=%ED%A0%80", null, "%ED%A0%80", name);
            yield return new Request(method, $"{url}?{name}=1e200000", null, "1e200000", name);
            yield return new Request(method, $"{url}?{name}=", null, "", name);
        }
    }

    // Ids and names that exist nowhere: nothing is changed by chance.
    private static string Filled(string pattern) => Regex.Replace(pattern, @"\{\**(?<name>[^}:]+)(:[^}]+)?\}", static match => match.Value.Contains(":int", StringComparison.Ordinal) ? "1" : "00000000000000000000000000000001", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    private async Task SendAsync(List<Request> requests, string code)
    {
        var administrator = (await functions.AdministratorAsync()).Client;
        var wrong = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (request, cancellationToken) =>
        {
            using var message = new HttpRequestMessage(new HttpMethod(request.Method.ToUpperInvariant()), request.Url);
            if (request.Body is { } body)
            {
                message.Content = new StringContent(body, Encoding.UTF8, "application/json");
            }

            using var answer = await administrator.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var status = (int)answer.StatusCode;
            var mustBeRefused = request.IsUnstorable || (request.Body is not null && !request.IsOfFile && HostileJson.Unstorable.Contains(request.Value));

            // The task hub is away in these tests, and its routes say so.
            var isRight = status < 500 || answer.StatusCode == HttpStatusCode.NotImplemented
                || (answer.StatusCode == HttpStatusCode.ServiceUnavailable && (request.Url.StartsWith("/durabletask/", StringComparison.Ordinal) || request.Url.StartsWith("/v1/tasks/", StringComparison.Ordinal)));
            if (isRight && mustBeRefused && status is not (401 or 403 or 404 or 405 or 413 or 415))
            {
                isRight = status == 400 && (await answer.Content.ReadAsStringAsync(cancellationToken)).Contains(code, StringComparison.Ordinal);
            }

            if (!isRight)
            {
                wrong.Enqueue($"{status} {request.Method} {request.Url} {request.Field} {request.Body}");
            }
        });
        Assert.True(wrong.IsEmpty, $"{wrong.Count} of {requests.Count}:\n{string.Join('\n', wrong.Order().Take(40))}");
    }

    private sealed record Request(string Method, string Url, string? Body, string Value, string Field)
    {
        public bool IsUnstorable { get; init; }

        public bool IsOfFile { get; init; }
    }
}
