using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.Functions;
using AiPlatform.Local.Servers;
using AiPlatform.OpenApi;
using Microsoft.AspNetCore.Routing;

namespace AiPlatform.Tests.House;

/// <summary>Every area has requests to try, and they are ones that the API knows.</summary>
[Trait("Area", "All")]
public sealed partial class HttpFileTests
{
    private static readonly JsonObject Paths = JsonNode.Parse(File.ReadAllText(DocumentFiles.OfRepository().Current))!["paths"]!.AsObject();

    public static TheoryData<string> Areas()
        => [.. Directory.EnumerateDirectories(Path.Combine(RepositoryFolders.Root, "functions", "areas")).Select(static folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Areas))]
    public async Task Every_request_of_an_area_is_one_that_the_api_knows(string area)
    {
        var file = Read(area);
        Assert.InRange(file.Requests.Count, 6, 40);
        var routes = await RoutesAsync();
        foreach (var request in file.Requests)
        {
            var (path, query) = Split(request.Url);
            var pattern = routes.Where(route => route.Method == request.Method && Fits(path, route.Pattern)).Select(static route => route.Pattern).FirstOrDefault();
            Assert.True(pattern is not null, $"{area}.http, {request.Title}: there is no {request.Method} {path}.");

            // MLflow's own API is described by MLflow.
            if (pattern.Contains("/mlflow", StringComparison.Ordinal))
            {
                continue;
            }

            var operation = Assert.IsType<JsonObject>(Paths.First(known => Fits(path, known.Key) && known.Value!.AsObject().ContainsKey(request.Method.ToLowerInvariant()))
                .Value![request.Method.ToLowerInvariant()]);
            Assert.Subset(Parameters(operation), query.ToHashSet(StringComparer.Ordinal));
            CheckBody($"{area}.http, {request.Title}", request, operation);
        }
    }

    [Theory]
    [MemberData(nameof(Areas))]
    public void A_placeholder_is_a_variable_of_the_file_or_of_an_answer_before(string area)
    {
        var file = Read(area);
        Assert.Equal("{{$processEnv API}}", file.Variables["api"]);
        Assert.Equal("{{$processEnv TOKEN}}", file.Variables["token"]);
        var answers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var request in file.Requests)
        {
            foreach (var used in new[] { request.Url, request.Body ?? string.Empty }.Concat(request.Headers.Values).SelectMany(static text => Placeholder().Matches(text)).Select(static match => match.Groups["name"].Value))
            {
                Assert.True(
                    file.Variables.ContainsKey(used) || used.StartsWith("$guid", StringComparison.Ordinal) || used.StartsWith("$randomInt", StringComparison.Ordinal)
                    || (used.Split(".response.body.$.") is [var name, { Length: > 0 }] && answers.Contains(name)),
                    $"{area}.http, {request.Title}: nothing says what {used} is.");
            }

            Assert.StartsWith("{{api}}/", request.Url, StringComparison.Ordinal);
            Assert.StartsWith("Bearer {{", request.Headers["Authorization"], StringComparison.Ordinal);
            Assert.True(request.Name is null || answers.Add(request.Name), $"{area}.http: two requests are named {request.Name}.");
        }
    }

    [Theory]
    [InlineData("@a b\n\n### x\nGET /y\n", "Not a variable")]
    [InlineData("### x\nFETCH /y\n", "Not a request")]
    [InlineData("### x\nGET /y\nAccept\n", "Not a header")]
    public void What_no_editor_would_send_is_refused(string text, string reason)
        => Assert.StartsWith(reason, Assert.Throws<FormatException>(() => HttpFile.Parse(text)).Message, StringComparison.Ordinal);

    private static HttpFile Read(string area) => HttpFile.Parse(File.ReadAllText(Path.Combine(RepositoryFolders.Root, "functions", "areas", area, $"{area}.http")));

    // The app is built and not started.
    private static async Task<IReadOnlyList<(string Method, string Pattern)>> RoutesAsync()
    {
        await using var app = FunctionsApp.Build(BuiltDocument.Settings);
        return [.. ((IEndpointRouteBuilder)app).DataSources.SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(static endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []).Select(method => (method, "/" + endpoint.RoutePattern.RawText!.Trim('/'))))];
    }

    private static (string Path, IEnumerable<string> Query) Split(string url)
    {
        var parts = url["{{api}}".Length..].Split('?', 2);

        // Below /p/NAME the gateway serves MLflow's routes for one project.
        var path = parts[0].StartsWith("/p/{{project}}/api/2.0/", StringComparison.Ordinal) ? parts[0]["/p/{{project}}".Length..] : parts[0];
        return (path, parts.Length == 1 ? [] : parts[1].Split('&').Select(static pair => pair.Split('=')[0]));
    }

    private static bool Fits(string path, string pattern)
    {
        var (given, wanted) = (path.Split('/'), pattern.Trim('/').Insert(0, "/").Split('/'));
        return given.Length == wanted.Length && given.Zip(wanted).All(static pair => pair.Second.StartsWith('{') ? pair.First.Length > 0 : pair.First == pair.Second);
    }

    private static HashSet<string> Parameters(JsonObject operation)
        => (operation["parameters"] as JsonArray ?? []).Where(static parameter => (string?)parameter!["in"] == "query").Select(static parameter => (string)parameter!["name"]!).ToHashSet(StringComparer.Ordinal);

    // Read as the API would: unknown fields and wrong types are refused.
    private static void CheckBody(string place, HttpFile.Request request, JsonObject operation)
    {
        Assert.True(request.Body is null || request.Headers["Content-Type"] == "application/json", place);
        if (request.Body is null)
        {
            Assert.False(operation["requestBody"]?["required"]?.GetValue<bool>() ?? false, $"{place}: the body is missing.");
            return;
        }

        var schema = operation["requestBody"]?["content"]?["application/json"]?["schema"];
        Assert.True(schema is not null, $"{place}: a body is sent where none is read.");
        var name = (schema["$ref"] ?? (schema["oneOf"] as JsonArray)?.Select(static part => part!["$ref"]).First(static reference => reference is not null))?.GetValue<string>().Split('/')[^1];
        if (name is not null and not nameof(JsonElement))
        {
            var type = typeof(ContractsJson).Assembly.GetTypes().Single(type => type.Name == name);
            Assert.NotNull(JsonSerializer.Deserialize(Placeholder().Replace(request.Body, "0198c7a4d2f17c5e8a3b6d9e0f124578"), type, ContractsJson.Strict));
        }
    }

    [GeneratedRegex(@"\{\{(?<name>[^{}]+)\}\}", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Placeholder();
}
