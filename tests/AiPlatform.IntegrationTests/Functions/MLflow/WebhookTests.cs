using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Deliveries;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Identity;
using AiPlatform.Contracts.Models;
using AiPlatform.IntegrationTests.Functions.Operations.Lineage;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Secrets;
using AiPlatform.Registry.Webhooks;
using Dapper;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

[Collection(TrackingCollection.Name)]
public sealed class WebhookTests(FunctionsFixture functions, PostgresFixture postgres) : IClassFixture<FunctionsFixture>, IAsyncLifetime
{
    private const string Invalid = "INVALID_PARAMETER_VALUE";
    private const string Secret = "a secret of the receiver";
    private readonly ConcurrentQueue<Received> _received = new();
    private readonly WebApplication _receiver = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=Error"]).Build();
    private Func<int> _status = () => 200;
    private Dictionary<string, string?> _settings = [];
    private FunctionsInstance _open = null!;
    private int _users;

    public async Task InitializeAsync()
    {
        _receiver.MapPost("/hook", async (HttpRequest request, HttpResponse response) =>
        {
            using var reader = new StreamReader(request.Body);
            _received.Enqueue(new Received(
                request.Headers["X-MLflow-Delivery-Id"].ToString(), request.Headers["X-MLflow-Timestamp"].ToString(), request.Headers["X-MLflow-Signature"].ToString(), await reader.ReadToEndAsync()));
            response.StatusCode = _status();
            await response.WriteAsync("thanks");
        });
        await _receiver.StartAsync();

        // On a database of its own: the fixture's instance would deliver as well, and may not call the receiver.
        _settings = new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal)
        {
            ["ConnectionStrings:Postgres"] = await postgres.CreateMigratedAsync("webhooks"),
            ["Webhooks:AllowedPrivateHosts:0"] = "127.0.0.1",
            ["Webhooks:Retries:0"] = "00:00:00.05",
        };
        _open = await FunctionsInstance.StartAsync(_settings);
    }

    public async Task DisposeAsync()
    {
        await _open.DisposeAsync();
        await _receiver.DisposeAsync();
    }

    [Fact]
    public async Task What_happens_to_a_prompt_is_told_as_a_prompts()
    {
        var mlflow = await ClientAsync();
        await CreateAsync(mlflow, [.. WebhookEvents.Examples.Keys], Secret);
        var isPrompt = new { key = "mlflow.prompt.is_prompt", value = "true" };
        var text = new string('x', 50_000);
        await mlflow.PostAsync("registered-models/create", new { name = "greeting", tags = new[] { isPrompt, new { key = "a", value = "b" } } });
        await mlflow.PostAsync("model-versions/create", new { name = "greeting", source = "prompt-template", description = "first", tags = new[] { isPrompt, new { key = "mlflow.prompt.text", value = text }, new { key = "_mlflow_prompt_type", value = "text" } } });
        await mlflow.PostAsync("registered-models/set-tag", new { name = "greeting", key = "k", value = "v" });
        await mlflow.PostAsync("registered-models/delete-tag", new { name = "greeting", key = "k" }, "DELETE");
        await mlflow.PostAsync("model-versions/set-tag", new { name = "greeting", version = "1", key = "k", value = "v" });
        await mlflow.PostAsync("model-versions/delete-tag", new { name = "greeting", version = "1", key = "k" }, "DELETE");
        await mlflow.PostAsync("registered-models/alias", new { name = "greeting", alias = "production", version = "1" });
        await mlflow.PostAsync("registered-models/alias", new { name = "greeting", alias = "production" }, "DELETE");

        // Tags of models that are none are nobody's business.
        await mlflow.PostAsync("registered-models/create", new { name = "net" });
        await mlflow.PostAsync("registered-models/set-tag", new { name = "net", key = "k", value = "v" });
        await Eventually.TrueAsync(() => Task.FromResult(_received.Count == 9), "nine events arrive");
        var bodies = _received.Select(received => JsonNode.Parse(received.Body)!).ToDictionary(body => $"{body["entity"]}.{body["action"]}", body => body["data"]!.ToJsonString());
        Assert.Equal("""{"name":"greeting","tags":{"a":"b"},"description":null}""", bodies[PromptEvents.Created]);
        Assert.Equal($$"""{"name":"greeting","version":"1","template":"{{text}}","tags":{},"description":"first"}""", bodies[PromptEvents.VersionCreated]);
        Assert.Equal("""{"name":"greeting","key":"k","value":"v"}""", bodies[PromptEvents.TagSet]);
        Assert.Equal("""{"name":"greeting","key":"k"}""", bodies[PromptEvents.TagDeleted]);
        Assert.Equal("""{"name":"greeting","version":"1","key":"k","value":"v"}""", bodies[PromptEvents.VersionTagSet]);
        Assert.Equal("""{"name":"greeting","version":"1","key":"k"}""", bodies[PromptEvents.VersionTagDeleted]);
        Assert.Equal("""{"name":"greeting","alias":"production","version":"1"}""", bodies[PromptEvents.AliasCreated]);
        Assert.Equal("""{"name":"greeting","alias":"production"}""", bodies[PromptEvents.AliasDeleted]);
        Assert.Contains(WebhookEvents.ModelCreated, bodies.Keys);
    }

    [Fact]
    public async Task What_happens_in_the_registry_is_told_signed_and_in_full()
    {
        var mlflow = await ClientAsync();
        var hook = await CreateAsync(mlflow, [.. WebhookEvents.Examples.Keys], Secret);
        await mlflow.PostAsync("registered-models/create", new { name = "net", description = "d", tags = new[] { new { key = "a", value = "b" } } });
        await mlflow.PostAsync("model-versions/create", new { name = "net", source = "s3://bucket/key" });
        await mlflow.PostAsync("model-versions/set-tag", new { name = "net", version = "1", key = "k", value = "v" });
        await mlflow.PostAsync("model-versions/delete-tag", new { name = "net", version = "1", key = "k" }, "DELETE");
        await mlflow.PostAsync("registered-models/alias", new { name = "net", alias = "champion", version = "1" });
        await mlflow.PostAsync("registered-models/alias", new { name = "net", alias = "champion" }, "DELETE");
        await Eventually.TrueAsync(() => Task.FromResult(_received.Count == 6), "six events arrive");
        var bodies = _received.Select(received => JsonNode.Parse(received.Body)!).ToDictionary(body => $"{body["entity"]}.{body["action"]}", body => body["data"]!.ToJsonString());
        Assert.Equal("""{"name":"net","tags":{"a":"b"},"description":"d"}""", bodies[WebhookEvents.ModelCreated]);
        Assert.Equal("""{"name":"net","version":"1","source":"s3://bucket/key","run_id":null,"tags":{},"description":null}""", bodies[WebhookEvents.VersionCreated]);
        Assert.Equal("""{"name":"net","version":"1","key":"k","value":"v"}""", bodies[WebhookEvents.VersionTagSet]);
        Assert.Equal("""{"name":"net","version":"1","key":"k"}""", bodies[WebhookEvents.VersionTagDeleted]);
        Assert.Equal("""{"name":"net","alias":"champion","version":"1"}""", bodies[WebhookEvents.AliasCreated]);
        Assert.Equal("""{"name":"net","alias":"champion"}""", bodies[WebhookEvents.AliasDeleted]);
        foreach (var received in _received)
        {
            var expected = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes($"{received.Id}.{received.Timestamp}.{received.Body}"));
            Assert.Equal("v1," + Convert.ToBase64String(expected), received.Signature);
        }

        Assert.Equal(6, _received.Select(received => received.Id).Distinct().Count());
        await mlflow.PostAsync($"webhooks/{hook}", new { status = "DISABLED" }, "PATCH");
        await mlflow.PostAsync("registered-models/create", new { name = "other" });
        await using var connection = new NpgsqlConnection(_settings["ConnectionStrings:Postgres"]);
        await Eventually.TrueAsync(
            async () => await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM webhook_deliveries WHERE webhook_id = @hook", new { hook }) == 0, "what was delivered is forgotten, and nothing more is written");
    }

    [Fact]
    public async Task A_version_that_the_native_API_registers_is_told_as_well()
    {
        var client = await UserAsync();
        var mlflow = new MLflowClient(client);
        await CreateAsync(mlflow, [WebhookEvents.VersionCreated], null);
        var run = await mlflow.RunAsync();
        using (var put = await client.PutAsync($"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/model.onnx", new StringContent("weights")))
        {
            Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        }

        var project = (await client.GetAsync<Run>($"/v1/runs/{run}")).ProjectId;
        await client.PostAsync<RegisteredModel>($"/v1/projects/{project}/models", new CreateModelRequest("net"));
        await client.PostAsync<ModelVersion>($"/v1/projects/{project}/models/net/versions", new CreateModelVersionRequest(run, "model.onnx"));
        await Eventually.TrueAsync(() => Task.FromResult(!_received.IsEmpty), "the event arrives");
        var data = JsonNode.Parse(Assert.Single(_received).Body)!["data"]!;
        Assert.Equal(("net", "1", run, $"mlflow-artifacts:/0/{run}/artifacts/model.onnx", ""), ((string)data["name"]!, (string)data["version"]!, (string)data["run_id"]!, (string)data["source"]!, _received.First().Signature));
    }

    [Fact]
    public async Task A_delivery_that_fails_is_repeated_with_the_same_id_until_it_is_given_up()
    {
        var mlflow = await ClientAsync();
        var hook = await CreateAsync(mlflow, [WebhookEvents.ModelCreated], Secret);
        var calls = 0;
        _status = () => Interlocked.Increment(ref calls) == 1 ? 503 : 200;
        await mlflow.PostAsync("registered-models/create", new { name = "first" });
        await Eventually.TrueAsync(() => Task.FromResult(_received.Count == 2), "the second attempt arrives");
        Assert.Single(_received.Select(received => received.Id).Distinct());

        // A redirect is a failure; this instance repeats once only.
        _status = () => 302;
        await mlflow.PostAsync("registered-models/create", new { name = "second" });
        await using var connection = new NpgsqlConnection(_settings["ConnectionStrings:Postgres"]);
        await Eventually.TrueAsync(
            async () => await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM webhook_deliveries WHERE webhook_id = @hook AND given_up AND last_status = 302", new { hook }) == 1, "the delivery is given up");
        Assert.True(await connection.ExecuteScalarAsync<int>("SELECT attempts FROM webhook_deliveries WHERE webhook_id = @hook AND given_up", new { hook }) > 1);

        _status = () => 410;
        await mlflow.PostAsync("registered-models/create", new { name = "third" });
        await Eventually.TrueAsync(async () => (string)(await mlflow.GetAsync($"webhooks/{hook}"))["webhook"]!["status"]! == "DISABLED", "a receiver that is gone is disabled");
    }

    [Fact]
    public async Task What_was_given_up_is_sent_again_with_its_id_when_an_administrator_replays_it()
    {
        var mlflow = await ClientAsync();
        var hook = await CreateAsync(mlflow, [WebhookEvents.ModelCreated], Secret);
        _status = () => 500;
        await mlflow.PostAsync("registered-models/create", new { name = "net" });
        using var anonymous = _open.CreateClient();
        var login = await anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(FunctionsFixture.AdministratorName, TestUser.Password));
        using var administrator = _open.CreateClient(login.AccessToken);
        ParkedDelivery? parked = null;
        await Eventually.TrueAsync(
            async () => (parked = (await administrator.GetAsync<Page<ParkedDelivery>>("/v1/deliveries/webhooks/parked")).Items.SingleOrDefault(item => item.Target == hook)) is not null, "it is given up");
        Assert.Equal((WebhookEvents.ModelCreated, 2, "thanks"), (parked!.Event, parked.Attempts, parked.LastError));
        _status = () => 200;
        var before = _received.Count;
        Assert.Equal(1, (await administrator.PostAsync<ReplayedDeliveries>("/v1/deliveries/webhooks/replay", new ReplayDeliveriesRequest([parked.Id]))).Replayed);
        await Eventually.TrueAsync(() => Task.FromResult(_received.Count > before), "it arrives");
        Assert.All(_received, received => Assert.Equal(parked.Id, received.Id));
    }

    [Fact]
    public async Task Webhooks_are_listed_changed_tested_and_deleted_and_show_no_secret()
    {
        var mlflow = await ClientAsync();
        var hook = await CreateAsync(mlflow, [WebhookEvents.AliasCreated], Secret);
        var created = (await mlflow.GetAsync($"webhooks/{hook}"))["webhook"]!;
        Assert.Equal("""[{"entity":"MODEL_VERSION_ALIAS","action":"CREATED"}]""", created["events"]!.ToJsonString());
        Assert.Null(created["secret"]);
        await using (var connection = new NpgsqlConnection(_settings["ConnectionStrings:Postgres"]))
        {
            var stored = (await connection.ExecuteScalarAsync<byte[]>("SELECT secret FROM webhooks WHERE id = @hook", new { hook }))!;
            Assert.DoesNotContain(Secret, Encoding.Latin1.GetString(stored), StringComparison.Ordinal);
            Assert.DoesNotContain("masterKey", await connection.ExecuteScalarAsync<string>("SELECT string_agg(xml, '') FROM data_protection_keys"), StringComparison.Ordinal);

            // Another instance reads it; another webhook's row would be no use.
            await using var another = await FunctionsInstance.StartAsync(_settings);
            Assert.Equal(Secret, another.Services.GetRequiredService<SecretBox>().Unprotect(WebhookRow.Purpose(hook), stored));
            Assert.ThrowsAny<CryptographicException>(() => another.Services.GetRequiredService<SecretBox>().Unprotect(WebhookRow.Purpose("other"), stored));
        }

        var second = await CreateAsync(mlflow, ["model_version.created"], null);
        var page = await mlflow.GetAsync("webhooks?max_results=1");
        Assert.Equal(hook, (string)Assert.Single(page["webhooks"]!.AsArray())!["webhook_id"]!);
        Assert.Equal(second, (string)(await mlflow.GetAsync($"webhooks?max_results=1&page_token={page["next_page_token"]}"))["webhooks"]![0]!["webhook_id"]!);

        var result = (await mlflow.PostAsync($"webhooks/{hook}/test", new { }))["result"]!;
        Assert.Equal((true, 200, "thanks"), ((bool)result["success"]!, (int)result["response_status"]!, (string)result["response_body"]!));
        Assert.Equal("example_alias", (string)JsonNode.Parse(_received.Last().Body)!["data"]!["alias"]!);
        result = (await mlflow.PostAsync($"webhooks/{hook}/test", new { @event = new { entity = "REGISTERED_MODEL", action = "CREATED" } }))["result"]!;
        Assert.Equal("registered_model", (string)JsonNode.Parse(_received.Last().Body)!["entity"]!);

        var renamed = (await mlflow.PostAsync($"webhooks/{hook}", new { name = "renamed", description = "d", events = new[] { "registered_model.created" } }, "PATCH"))["webhook"]!;
        Assert.Equal(("renamed", "d", "ACTIVE"), ((string)renamed["name"]!, (string)renamed["description"]!, (string)renamed["status"]!));
        await mlflow.PostAsync($"webhooks/{hook}", new { }, "DELETE");
        await mlflow.ErrorAsync($"webhooks/{hook}", null, HttpStatusCode.NotFound, "RESOURCE_DOES_NOT_EXIST");
        await mlflow.ErrorAsync($"webhooks/{hook}", new { }, HttpStatusCode.NotFound, "RESOURCE_DOES_NOT_EXIST", "DELETE");
        await (await ClientAsync()).ErrorAsync($"webhooks/{second}", null, HttpStatusCode.NotFound, "RESOURCE_DOES_NOT_EXIST");
    }

    [Fact]
    public async Task Bad_webhooks_are_refused_and_private_addresses_are_not_called()
    {
        var mlflow = await ClientAsync();
        foreach (var body in new object[]
        {
            new { url = "https://example.org", events = new[] { "model_version.created" } }, new { name = "n", events = new[] { "model_version.created" } }, new { name = "n", url = "https://example.org" },
            new { name = "n", url = "ftp://example.org", events = new[] { "model_version.created" } }, new { name = "n", url = "https://user:word@example.org", events = new[] { "model_version.created" } },
            new { name = "n", url = "/x", events = new[] { "model_version.created" } }, new { name = "n", url = "https://example.org", events = Array.Empty<string>() },
            new { name = "n", url = "https://example.org", events = new[] { "model_version.exploded" } }, new { name = "n", url = "https://example.org", events = new[] { 7 } },
            new { name = "n", url = "https://example.org", events = new[] { "model_version.created" }, status = "SLEEPING" },
            new { name = "n", url = "https://example.org", events = new[] { "model_version.created" }, secret = new string('s', 1_001) },
        })
        {
            await mlflow.ErrorAsync("webhooks", body, HttpStatusCode.BadRequest, Invalid);
        }

        // Only 127.0.0.1 is allowed to this instance.
        foreach (var inner in (string[])["http://localhost:1/hook", "http://10.1.2.3/", "http://[::1]/", "http://169.254.169.254/latest", "http://0.0.0.0/", "http://0x0a000001/"])
        {
            await mlflow.ErrorAsync("webhooks", new { name = "n", url = inner, events = new[] { "model_version.created" } }, HttpStatusCode.BadRequest, Invalid);
        }

        var hook = await CreateAsync(mlflow, [WebhookEvents.ModelCreated], null);
        await mlflow.ErrorAsync($"webhooks/{hook}", new { url = "http://localhost:1/hook" }, HttpStatusCode.BadRequest, Invalid, "PATCH");

        // A name that leads elsewhere since.
        await TestDatabase.ScalarAsync(_settings["ConnectionStrings:Postgres"]!, $"UPDATE webhooks SET url = 'http://localhost:1/hook' WHERE id = '{hook}'");
        var result = (await mlflow.PostAsync($"webhooks/{hook}/test", new { }))["result"]!;
        Assert.False((bool)result["success"]!);
        Assert.Contains("private network", (string)result["error_message"]!, StringComparison.Ordinal);
        Assert.Null(result["response_status"]);
    }

    private async Task<MLflowClient> ClientAsync() => new(await UserAsync());

    private async Task<HttpClient> UserAsync()
    {
        using var anonymous = _open.CreateClient();
        var tokens = await anonymous.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest($"user-{Interlocked.Increment(ref _users)}", TestUser.Password));
        return _open.CreateClient(tokens.AccessToken);
    }

    private async Task<string> CreateAsync(MLflowClient mlflow, string[] events, string? secret, string? url = null)
        => (string)(await mlflow.PostAsync("webhooks", new { name = "hook", url = url ?? $"{_receiver.Urls.First()}/hook", events, secret }))["webhook"]!["webhook_id"]!;

    private sealed record Received(string Id, string Timestamp, string Signature, string Body);
}
