using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Deliveries;
using AiPlatform.Contracts.Identity;
using AiPlatform.Contracts.Lineage;
using AiPlatform.Contracts.Projects;
using AiPlatform.IntegrationTests.Functions.MLflow;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Operations.Lineage;
using AiPlatform.Ports.Operations;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Operations.Lineage;

/// <summary>What receivers get: valid OpenLineage, signed, in order, at least once, whatever happens in between.</summary>
[Collection(TrackingCollection.Name)]
public sealed class EmissionTests(FunctionsFixture functions, PostgresFixture postgres) : IClassFixture<FunctionsFixture>, IAsyncLifetime
{
    private readonly Dictionary<string, string?> _settings = new(functions.Settings, StringComparer.Ordinal);
    private FunctionsInstance _app = null!;
    private HttpClient _client = null!;
    private string _project = string.Empty;
    private MLflowClient _mlflow = null!;

    public async Task InitializeAsync()
    {
        // A database of its own: the fixture's instance would deliver too, and must not reach this machine.
        _settings["ConnectionStrings:Postgres"] = await postgres.CreateMigratedAsync("emission");
        _settings["Lineage:AllowedPrivateHosts:0"] = "127.0.0.1";
        _settings["Lineage:FirstRetry"] = "00:00:00.1";
        _settings["Lineage:DeliveryTimeout"] = "00:00:02";
        await StartAsync();
        _project = (await _client.PostAsync<Project>("/v1/projects", new CreateProjectRequest("shop"))).Name;
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task Runs_are_told_as_valid_signed_events_in_order()
    {
        await using var receiver = await LineageReceiverServer.StartAsync();
        var created = await AddAsync(receiver.Url, "Bearer token-1");
        Assert.StartsWith("whsec_", created.SigningSecret, StringComparison.Ordinal);
        var run = await _mlflow.RunAsync();
        await _mlflow.PostAsync("runs/log-inputs", new { run_id = run, datasets = new[] { new { dataset = new { name = "orders", digest = "d1", source_type = "s3", source = "{}" } } } });
        await _mlflow.PostAsync("registered-models/create", new { name = "net" });
        await _mlflow.PostAsync("model-versions/create", new { name = "net", source = "s3://elsewhere/net", run_id = run });
        await EndAsync(run, "FINISHED");

        var (start, complete) = await receiver.TwoAsync();
        Assert.Equal(("START", "COMPLETE"), (start.Checked.EventType, complete.Checked.EventType));
        foreach (var sent in new[] { start, complete })
        {
            Assert.Equal("Bearer token-1", sent.Authorization);
            Assert.Equal(Guid.ParseExact(run, "N"), sent.Checked.RunId);
            Assert.Equal(("aiplatform/shop", "Default"), (sent.Checked.Job?.Namespace, sent.Checked.Job?.Name));
            var key = Convert.FromBase64String(created.SigningSecret!["whsec_".Length..]);
            var signature = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{sent.Id}.{sent.Timestamp}.{sent.Text}"));
            Assert.Equal($"v1,{Convert.ToBase64String(signature)}", sent.Signature);
        }

        Assert.True(start.Checked.At <= complete.Checked.At);
        var input = Assert.Single(complete.Checked.Inputs);
        Assert.Equal((new OpenLineageName("mlflow:s3", "orders"), "d1"), (input.Name, input.Version));
        var output = Assert.Single(complete.Checked.Outputs);
        Assert.Equal((new OpenLineageName("aiplatform/shop", "models/net"), "1"), (output.Name, output.Version));
        await Eventually.TrueAsync(async () => (await OneAsync()) is { Pending: 0, LastError: null, DeliveredAt: not null, SigningSecret: null }, "the receiver is up to date");
    }

    [Fact]
    public async Task A_failure_is_told_with_its_reason_and_what_is_known_about_a_version_is_in_its_facets()
    {
        await using var receiver = await LineageReceiverServer.StartAsync();
        await AddAsync(receiver.Url);
        var run = await _mlflow.RunAsync();
        await using (var connection = new NpgsqlConnection(_settings["ConnectionStrings:Postgres"]))
        {
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(
                """
                UPDATE runs SET status_reason = 'out of memory' WHERE id = $1;
                """,
                connection)
            { Parameters = { new() { Value = run } } };
            await command.ExecuteNonQueryAsync();
        }

        await EndAsync(run, "FAILED");
        var (_, fail) = await receiver.TwoAsync();
        var facet = fail.Checked.Body.GetProperty("run").GetProperty("facets").GetProperty("errorMessage");
        Assert.Equal(("FAIL", "out of memory", "PYTHON"), (fail.Checked.EventType, facet.GetProperty("message").GetString(), facet.GetProperty("programmingLanguage").GetString()));

        var facets = new OpenLineageFacets("urn:test");
        var known = new DatasetFacets
        {
            Fields = [new DatasetField("age", "int64")],
            RowCount = 10,
            Columns = new Dictionary<string, ColumnMetrics> { ["age"] = new(NullCount: 1, Min: 0.5, Max: double.PositiveInfinity) },
            Assertions = [new DatasetAssertion("not_null", false, "age")],
        };
        Assert.Equal(
            """{"rowCount":10,"bytes":5,"fileCount":1,"columnMetrics":{"age":{"nullCount":1,"min":0.5}},"_producer":"urn:test","_schemaURL":"https://openlineage.io/spec/facets/1-0-2/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet"}""",
            facets.QualityMetrics(known, 5, 1).ToJsonString());
        Assert.Contains("""{"assertion":"not_null","success":false,"column":"age"}""", facets.Assertions(known.Assertions).ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("""[{"name":"age","type":"int64"}]""", facets.Schema(known.Fields).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_receiver_misses_is_delivered_later_once_and_in_order()
    {
        await using var receiver = await LineageReceiverServer.StartAsync();
        receiver.Answer = HttpStatusCode.ServiceUnavailable;
        await AddAsync(receiver.Url);
        var run = await _mlflow.RunAsync();
        await EndAsync(run, "FINISHED");
        await Eventually.TrueAsync(async () => (await OneAsync()) is { Pending: 2, LastError: "HTTP 503" }, "the failure is seen");
        _client.Dispose();
        await _app.DisposeAsync();
        receiver.Answer = HttpStatusCode.Created;
        var refused = receiver.Received.Count;
        await StartAsync();
        await Eventually.TrueAsync(async () => (await OneAsync()).Pending == 0, "both are delivered", TimeSpan.FromSeconds(60));
        var delivered = receiver.Received.Skip(refused).ToList();
        Assert.Equal(["START", "COMPLETE"], delivered.Select(sent => sent.Checked.EventType));
        Assert.Contains(receiver.Received.Take(refused), sent => sent.Id == delivered[0].Id);
    }

    [Fact]
    public async Task An_event_that_is_refused_does_not_hold_up_others_and_a_receiver_that_is_gone_is_left_alone()
    {
        await using var receiver = await LineageReceiverServer.StartAsync();
        receiver.Answer = HttpStatusCode.BadRequest;
        await AddAsync(receiver.Url);
        await _mlflow.RunAsync();
        await Eventually.TrueAsync(async () => (await OneAsync()) is { Pending: 0, Parked: 1, LastError: "HTTP 400" }, "the refused event is set aside");
        receiver.Answer = HttpStatusCode.Created;
        await UpdateAsync(new UpdateLineageReceiverRequest(Enabled: true));
        await Eventually.TrueAsync(async () => (await OneAsync()) is { Parked: 0, Pending: 0 }, "it is tried again on request");
        receiver.Answer = HttpStatusCode.Gone;
        await _mlflow.RunAsync();
        await Eventually.TrueAsync(async () => !(await OneAsync()).Enabled, "the receiver is disabled");
        var before = (await OneAsync()).Pending;
        await _mlflow.RunAsync();
        Assert.Equal(before, (await OneAsync()).Pending);
    }

    [Fact]
    public async Task A_receiver_that_hangs_does_not_hold_up_another_and_a_refused_event_is_replayed_by_an_administrator()
    {
        await using var receiver = await LineageReceiverServer.StartAsync();
        await using var other = await LineageReceiverServer.StartAsync();
        receiver.Answer = HttpStatusCode.BadRequest;
        other.Pause = TimeSpan.FromSeconds(20);
        await AddAsync(receiver.Url);
        await _client.PostAsync<LineageReceiver>($"/v1/projects/{_project}/lineage-receivers", new CreateLineageReceiverRequest("slow", other.Url));
        await _mlflow.RunAsync();
        ParkedDelivery? parked = null;
        await Eventually.TrueAsync(
            async () => (parked = (await _client.GetAsync<Page<ParkedDelivery>>("/v1/deliveries/lineage/parked")).Items.SingleOrDefault()) is not null, "the refused event is set aside");
        Assert.Equal(("START", "HTTP 400", 1), (parked!.Event, parked.LastError, parked.Attempts));
        receiver.Answer = HttpStatusCode.Created;
        Assert.Equal(new ReplayedDeliveries(1, false), await _client.PostAsync<ReplayedDeliveries>("/v1/deliveries/lineage/replay", new ReplayDeliveriesRequest()));
        await Eventually.TrueAsync(() => Task.FromResult(receiver.Received.Count == 2), "it is sent again");
        Assert.Equal(receiver.Received[0].Id, receiver.Received[1].Id);
        Assert.Empty(other.Received);
    }

    [Fact]
    public async Task Receivers_are_checked_owned_and_never_show_their_secrets()
    {
        var path = $"/v1/projects/{_project}/lineage-receivers";
        foreach (var (body, field) in new[]
        {
            ("""{"name":"x","url":"ftp://a"}""", "url"), ("""{"name":"x","url":"http://u:p@a/"}""", "url"), ("""{"name":"x"}""", "url"), ("""{"name":"","url":"http://a"}""", "name"),
            ("""{"name":"x","url":"http://a","authorization":"a\nb"}""", "authorization"),
            ("""{"name":"x","url":"http://10.0.0.1/api/v1/lineage"}""", "url"), ("""{"name":"x","url":"http://localhost/"}""", "url"),
        })
        {
            var problem = await _client.PostJsonAsync(path, body).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
            Assert.Equal([field], problem.Errors?.Keys);
        }

        await AddAsync("http://127.0.0.1:1/api/v1/lineage", "Bearer very-secret");

        // A name that leads elsewhere since.
        await TestDatabase.ScalarAsync(_settings["ConnectionStrings:Postgres"]!, "UPDATE lineage_receivers SET url = 'http://10.0.0.1/api/v1/lineage'");
        await _client.PostJsonAsync(path, """{"name":"marquez","url":"http://a"}""").ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
        await _mlflow.RunAsync();
        await Eventually.TrueAsync(async () => (await OneAsync()).LastError?.Contains("private network", StringComparison.Ordinal) == true, "an inner address is not called");
        var text = await _client.GetStringAsync(path);
        Assert.DoesNotContain("very-secret", text, StringComparison.Ordinal);
        Assert.Null(await TestDatabase.ScalarAsync(_settings["ConnectionStrings:Postgres"]!, "SELECT 1 FROM lineage_receivers r WHERE r::text LIKE '%very-secret%'"));
        var stranger = _app.CreateClient((await _app.CreateClient().PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("stranger", TestUser.Password))).AccessToken);
        await stranger.GetAsync(path).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.DeleteAsync($"{path}/marquez").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Equal(HttpStatusCode.NoContent, (await _client.DeleteAsync($"{path}/marquez")).StatusCode);
        await _client.DeleteAsync($"{path}/marquez").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    private async Task StartAsync()
    {
        _app = await FunctionsInstance.StartAsync(_settings);
        using var anonymous = _app.CreateClient();
        _client = _app.CreateClient((await anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(FunctionsFixture.AdministratorName, TestUser.Password))).AccessToken);
        _mlflow = new MLflowClient(_client, "/p/shop/api/2.0/mlflow/");
    }

    private Task<LineageReceiver> AddAsync(string url, string? authorization = null)
        => _client.PostAsync<LineageReceiver>($"/v1/projects/{_project}/lineage-receivers", new CreateLineageReceiverRequest("marquez", url, authorization));

    private async Task<LineageReceiver> OneAsync() => Assert.Single((await _client.GetAsync<Page<LineageReceiver>>($"/v1/projects/{_project}/lineage-receivers")).Items);

    private async Task UpdateAsync(UpdateLineageReceiverRequest request)
        => await (await _client.SendJsonAsync(HttpMethod.Patch, $"/v1/projects/{_project}/lineage-receivers/marquez", request)).ReadAsync<LineageReceiver>();

    private async Task EndAsync(string run, string status) => await _mlflow.PostAsync("runs/update", new { run_id = run, status, end_time = 1_800_000_000_000 });
}
