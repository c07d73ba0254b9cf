using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Local.Servers;
using Azure.Storage.Blobs;

namespace AiPlatform.IntegrationTests.Functions.Core;

[Collection(ServersCollection.Name)]
public abstract class SiteTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : SiteTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : SiteTests(functions), IClassFixture<HostedFunctionsFixture>;

    [Theory]
    [InlineData("zh-CN", "AI 平台")]
    [InlineData("en", "AI Platform")]
    public async Task The_landing_page_is_small_self_contained_and_in_the_callers_language(string language, string title)
    {
        var answer = await functions.Anonymous.SendJsonAsync(HttpMethod.Get, "/", null, ("Accept-Language", language));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var page = await answer.Content.ReadAsStringAsync();
        Assert.Contains($"<title>{title}</title>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", page, StringComparison.Ordinal);
        Assert.Contains("/docs", page, StringComparison.Ordinal);
        Assert.InRange(page.Length, 1, 8 * 1024);
    }

    [Fact]
    public async Task The_openapi_document_describes_the_routes_their_security_and_their_errors()
    {
        using var document = JsonDocument.Parse(await functions.Anonymous.GetStringAsync("/openapi/v1.json"));
        var root = document.RootElement;
        Assert.StartsWith("3.", root.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        var create = root.GetProperty("paths").GetProperty("/v1/projects").GetProperty("post");
        Assert.Equal("Create a project", create.GetProperty("summary").GetString());
        Assert.Contains("201", create.GetProperty("responses").EnumerateObject().Select(static response => response.Name));
        Assert.Equal("#/components/responses/Problem", create.GetProperty("responses").GetProperty("default").GetProperty("$ref").GetString());
        Assert.True(root.GetProperty("components").GetProperty("responses").GetProperty("Problem").GetProperty("content").TryGetProperty("application/problem+json", out _));
        Assert.Contains("Idempotency-Key", create.GetProperty("parameters").EnumerateArray().Select(static parameter => parameter.GetProperty("name").GetString()));
        Assert.True(create.TryGetProperty("security", out _));
        Assert.False(root.GetProperty("paths").GetProperty("/v1/auth/login").GetProperty("post").TryGetProperty("security", out _));
        Assert.Equal("http", root.GetProperty("components").GetProperty("securitySchemes").GetProperty("bearer").GetProperty("type").GetString());
        Assert.DoesNotContain(root.GetProperty("paths").EnumerateObject(), static path => path.Name is "/tick" || path.Name.StartsWith("/runtime", StringComparison.Ordinal));
        var schemas = root.GetProperty("components").GetProperty("schemas");
        Assert.True(schemas.GetProperty("Project").GetProperty("properties").TryGetProperty("ownerId", out _));
    }

    [Fact]
    public async Task Every_schema_of_the_openapi_document_says_one_thing()
    {
        using var document = JsonDocument.Parse(await functions.Anonymous.GetStringAsync("/openapi/v1.json"));
        var faults = new List<string>();
        var count = SchemaFaults.Find(document.RootElement, faults);
        Assert.True(faults.Count == 0, string.Join('\n', faults.Take(20)));
        Assert.InRange(count, 1_000, int.MaxValue);

        // A number that may be none of arithmetic is a number or one of three texts.
        var any = document.RootElement.GetProperty("components").GetProperty("schemas").EnumerateObject()
            .SelectMany(static schema => schema.Value.TryGetProperty("properties", out var properties) ? properties.EnumerateObject().ToList() : [])
            .Where(static property => property.Value.TryGetProperty("anyOf", out _)).ToList();
        Assert.NotEmpty(any);
        Assert.All(any, static property => Assert.False(property.Value.TryGetProperty("type", out _), property.Name));
        var plan = document.RootElement.GetProperty("paths").GetProperty("/v1/projects/{project}/datasets/{dataset}/quality-plan").GetProperty("put").GetProperty("requestBody").GetProperty("content");
        Assert.Equal("string", plan.GetProperty("application/yaml").GetProperty("schema").GetProperty("type").GetString());
        Assert.Equal("#/components/schemas/QualityPlanText", plan.GetProperty("application/json").GetProperty("schema").GetProperty("$ref").GetString());
    }

    [Fact]
    public async Task The_reference_loads_only_from_this_host()
    {
        var answer = await functions.Anonymous.GetAsync("/docs/");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.StartsWith("default-src 'self'", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        var page = await answer.Content.ReadAsStringAsync();
        var sources = Regex.Matches(page, "(?:src|href)=\"(?<url>[^\"]+)\"", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Select(static match => match.Groups["url"].Value).ToList();
        Assert.NotEmpty(sources);
        foreach (var source in sources.Where(static url => !url.StartsWith("data:", StringComparison.Ordinal)))
        {
            var asset = new Uri(new Uri(functions.Address, "/docs/"), source);
            Assert.Equal(functions.Address.Authority, asset.Authority);
            Assert.Equal(HttpStatusCode.OK, (await functions.Anonymous.GetAsync(asset)).StatusCode);
        }
    }

    [Fact]
    public async Task Health_and_readiness_answer_without_a_token_and_metrics_with_theirs()
    {
        Assert.Contains("\"healthy\"", await functions.Anonymous.GetStringAsync("/health/ready"), StringComparison.Ordinal);
        using var health = JsonDocument.Parse(await functions.Anonymous.GetStringAsync("/health"));
        Assert.Equal("healthy", health.RootElement.GetProperty("checks").GetProperty("blob").GetString());
        await functions.Anonymous.GetAsync("/v1/nothing");
        Assert.Equal(HttpStatusCode.Unauthorized, (await functions.Anonymous.GetAsync("/metrics")).StatusCode);
        using var scrape = functions.Anonymous;
        scrape.DefaultRequestHeaders.Authorization = new("Bearer", FunctionsFixture.MetricsToken);
        Assert.Contains("http_request", await scrape.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_database_the_app_starts_answers_its_page_and_is_not_ready()
    {
        var settings = new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal)
        {
            ["ConnectionStrings:Postgres"] = "Host=127.0.0.1;Port=1;Username=nobody;Password=x;Database=x",
            ["Logging:LogLevel:Default"] = "None",
        };
        await using var app = await FunctionsInstance.StartAsync(settings, waitUntilReady: false);
        using var client = app.CreateClient();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/health/ready")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/openapi/v1.json")).StatusCode);
        var login = client.PostJsonAsync("/v1/auth/login", """{"userName":"abc","password":"x"}""");
        await login.ProblemAsync(HttpStatusCode.ServiceUnavailable, ErrorCodes.Unavailable);
        Assert.NotNull((await login).Headers.RetryAfter);
    }

    [Fact]
    public async Task Without_its_containers_the_app_is_not_ready_and_it_is_as_soon_as_the_storage_has_come()
    {
        var folder = Directory.CreateTempSubdirectory("aip-blob-").FullName;
        await using var storage = await AzuriteServer.StartAsync(folder, 0, CancellationToken.None);
        await storage.KillAsync();
        var settings = new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal)
        {
            ["ConnectionStrings:Blob"] = storage.ConnectionString,
            ["Logging:LogLevel:Default"] = "None",
        };
        await using var app = await FunctionsInstance.StartAsync(settings, waitUntilReady: false);
        using var client = app.CreateClient();
        string? answer = null;
        await Eventually.TrueAsync(
            async () =>
            {
                var ready = await client.GetAsync("/health/ready");
                answer = await ready.Content.ReadAsStringAsync();
                return ready.StatusCode == HttpStatusCode.ServiceUnavailable && answer.Contains("\"postgres\":\"healthy\"", StringComparison.Ordinal);
            },
            "the database is there");
        Assert.Contains("\"containers\":\"unhealthy\"", answer, StringComparison.Ordinal);

        await storage.RestartAsync(CancellationToken.None);
        await Eventually.TrueAsync(async () => (await client.GetAsync("/health/ready")).IsSuccessStatusCode, "the containers are there");
        Assert.True(await new BlobContainerClient(storage.ConnectionString, BlobStorage.Datasets).ExistsAsync());
        await storage.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
