using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Identity;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

[Collection(TrackingCollection.Name)]
public sealed class TrackingTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Invalid = "INVALID_PARAMETER_VALUE";
    private const string Missing = "RESOURCE_DOES_NOT_EXIST";
    private const string Exists = "RESOURCE_ALREADY_EXISTS";

    [Fact]
    public async Task Experiments_are_created_found_changed_deleted_and_restored()
    {
        var mlflow = await ClientAsync();
        Assert.Equal("Default", (string)(await mlflow.GetAsync("experiments/get?experiment_id=0"))["experiment"]!["name"]!);
        var id = (string)(await mlflow.PostAsync("experiments/create", new { name = "vision é", tags = new[] { new { key = "team", value = "a" } } }))["experiment_id"]!;
        await mlflow.ErrorAsync("experiments/create", new { name = "vision é" }, HttpStatusCode.BadRequest, Exists);
        await mlflow.ErrorAsync("experiments/create", new { }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.ErrorAsync("experiments/create", new { name = 5 }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.PostAsync("experiments/set-experiment-tag", new { experiment_id = id, key = "stage", value = "b" });
        var found = (await mlflow.GetAsync($"experiments/get-by-name?experiment_name={Uri.EscapeDataString("vision é")}"))["experiment"]!;
        Assert.Equal((id, "active", 2), ((string)found["experiment_id"]!, (string)found["lifecycle_stage"]!, found["tags"]!.AsArray().Count));
        await mlflow.PostAsync("experiments/delete-experiment-tag", new { experiment_id = id, key = "stage" });
        await mlflow.ErrorAsync("experiments/delete-experiment-tag", new { experiment_id = id, key = "stage" }, HttpStatusCode.NotFound, Missing);
        await mlflow.PostAsync("experiments/update", new { experiment_id = id, new_name = "speech" });
        await mlflow.ErrorAsync("experiments/get-by-name?experiment_name=vision", null, HttpStatusCode.NotFound, Missing);

        var run = await mlflow.RunAsync(id);
        await mlflow.PostAsync("experiments/delete", new { experiment_id = id });
        Assert.Contains("must be in the 'active' state", await mlflow.ErrorAsync("experiments/delete", new { experiment_id = id }, HttpStatusCode.BadRequest, Invalid), StringComparison.Ordinal);
        await mlflow.ErrorAsync("runs/create", new { experiment_id = id }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.ErrorAsync("runs/log-metric", new { run_id = run, key = "a", value = 1, timestamp = 1 }, HttpStatusCode.BadRequest, Invalid);
        Assert.Equal("deleted", (string)(await mlflow.GetAsync($"runs/get?run_id={run}"))["run"]!["info"]!["lifecycle_stage"]!);
        Assert.Equal(["Default"], await NamesAsync(mlflow, new { max_results = 10 }));
        Assert.Equal(["speech"], await NamesAsync(mlflow, new { view_type = "DELETED_ONLY" }));
        Assert.Equal(["speech", "Default"], await NamesAsync(mlflow, new { view_type = "ALL" }));
        await mlflow.PostAsync("experiments/restore", new { experiment_id = id });
        Assert.Equal("active", (string)(await mlflow.GetAsync($"runs/get?run_id={run}"))["run"]!["info"]!["lifecycle_stage"]!);
        Assert.Equal(["speech"], await NamesAsync(mlflow, new { filter = "name ILIKE 'SP%' AND tags.team = 'a'" }));
        Assert.Equal(["Default", "speech"], await NamesAsync(mlflow, new { order_by = new[] { "name ASC" } }));
        Assert.Equal(2, (await mlflow.GetAsync("experiments/list"))["experiments"]!.AsArray().Count);
        Assert.Contains("Missing value for required parameter", await mlflow.ErrorAsync("experiments/get", null, HttpStatusCode.BadRequest, Invalid), StringComparison.Ordinal);
        await mlflow.ErrorAsync("experiments/get?experiment_id=12345", null, HttpStatusCode.NotFound, Missing);
        await mlflow.ErrorAsync("experiments/nothing", new { }, HttpStatusCode.NotFound, "ENDPOINT_NOT_FOUND");
        await mlflow.ErrorAsync("experiments/create", "{\"name\":", HttpStatusCode.BadRequest, "BAD_REQUEST");
    }

    [Fact]
    public async Task A_run_has_the_shape_that_clients_read()
    {
        var mlflow = await ClientAsync();
        var created = (await mlflow.PostAsync("runs/create", new
        {
            experiment_id = "0", run_name = "first", start_time = 1_700_000_000_123, user_id = "ann", tags = new[] { new { key = "mlflow.source.name", value = "train.py" } },
        }))["run"]!;
        var id = (string)created["info"]!["run_id"]!;
        Assert.Equal(id, (string)created["info"]!["run_uuid"]!);
        await mlflow.PostAsync("runs/log-batch", new
        {
            run_id = id,
            metrics = new object[]
            {
                new { key = "loss", value = 0.5, timestamp = 2_000, step = 1 }, new { key = "loss", value = 0.25, timestamp = 1_000, step = 2 },
                new { key = "odd", value = "NaN", timestamp = 1, step = 0 }, new { key = "inf", value = "-Infinity", timestamp = 1, step = -3 },
            },
            @params = new[] { new { key = "lr", value = "0.1" } },
            tags = new[] { new { key = "t", value = "1" }, new { key = "t", value = "2" } },
        });
        await mlflow.PostAsync("runs/log-metric", new { run_id = id, key = "loss", value = 7.0, timestamp = 5_000, step = 0 });
        await mlflow.PostAsync("runs/log-parameter", new { run_id = id, key = "empty", value = "" });
        await mlflow.PostAsync("runs/set-tag", new { run_id = id, key = "mlflow.runName", value = "second" });
        await mlflow.PostAsync("runs/log-inputs", new
        {
            run_id = id,
            datasets = new[] { new { tags = new[] { new { key = "mlflow.data.context", value = "train" } }, dataset = new { name = "iris", digest = "abc", source_type = "local", source = "{}" } } },
        });
        var run = (await mlflow.GetAsync($"runs/get?run_id={id}"))["run"]!;
        var info = run["info"]!;
        Assert.Equal(("second", "0", "ann", "RUNNING", 1_700_000_000_123, "active"),
            ((string)info["run_name"]!, (string)info["experiment_id"]!, (string)info["user_id"]!, (string)info["status"]!, (long)info["start_time"]!, (string)info["lifecycle_stage"]!));
        Assert.Equal($"mlflow-artifacts:/0/{id}/artifacts", (string)info["artifact_uri"]!);
        var metrics = run["data"]!["metrics"]!.AsArray().ToDictionary(metric => (string)metric!["key"]!, metric => metric!);
        Assert.Equal((0.25, 2, 1_000), ((double)metrics["loss"]["value"]!, (long)metrics["loss"]["step"]!, (long)metrics["loss"]["timestamp"]!));
        Assert.Equal(("NaN", "-Infinity"), ((string)metrics["odd"]["value"]!, (string)metrics["inf"]["value"]!));
        Assert.Equal(["empty=", "lr=0.1"], Pairs(run["data"]!["params"]!));
        Assert.Equal(["mlflow.runName=second", "mlflow.source.name=train.py", "t=2"], Pairs(run["data"]!["tags"]!));
        Assert.Equal("iris", (string)run["inputs"]!["dataset_inputs"]![0]!["dataset"]!["name"]!);

        var updated = (await mlflow.PostAsync("runs/update", new { run_id = id, status = "FINISHED", end_time = 1_700_000_001_000 }))["run_info"]!;
        Assert.Equal(("FINISHED", 1_700_000_001_000), ((string)updated["status"]!, (long)updated["end_time"]!));
        Assert.Equal("RUNNING", (string)(await mlflow.PostAsync("runs/update", new { run_id = id, status = "RUNNING" }))["run_info"]!["status"]!);
        await mlflow.ErrorAsync("runs/update", new { run_id = id, status = "LOST" }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.PostAsync("runs/delete-tag", new { run_id = id, key = "t" });
        await mlflow.ErrorAsync("runs/delete-tag", new { run_id = id, key = "t" }, HttpStatusCode.NotFound, Missing);
        await mlflow.PostAsync("runs/delete", new { run_id = id });
        Assert.Contains("must be in the 'active' state", await mlflow.ErrorAsync("runs/set-tag", new { run_id = id, key = "a", value = "b" }, HttpStatusCode.BadRequest, Invalid), StringComparison.Ordinal);
        await mlflow.PostAsync("runs/restore", new { run_id = id });
        await mlflow.PostAsync("runs/set-tag", new { run_id = id, key = "a", value = "b" });
        await mlflow.ErrorAsync("runs/get?run_id=nothing", null, HttpStatusCode.NotFound, Missing);
    }

    [Fact]
    public async Task What_breaks_a_limit_or_a_rule_is_refused_and_nothing_of_it_is_stored()
    {
        var mlflow = await ClientAsync();
        var id = await mlflow.RunAsync();
        var metric = new { key = "a", value = 1.0, timestamp = 1, step = 0 };
        var message = await mlflow.ErrorAsync("runs/log-batch", new { run_id = id, metrics = Enumerable.Repeat(metric, 1_001) }, HttpStatusCode.BadRequest, Invalid);
        Assert.Equal("A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up metrics across multiple requests and try again.", message);
        object[] bad =
        [
            new { run_id = id, @params = Enumerable.Range(0, 101).Select(i => new { key = $"p{i}", value = "1" }) },
            new { run_id = id, tags = Enumerable.Range(0, 101).Select(i => new { key = $"p{i}", value = "1" }) },
            new { run_id = id, metrics = Enumerable.Repeat(metric, 950), tags = Enumerable.Range(0, 51).Select(i => new { key = $"p{i}", value = "1" }) },
            new { run_id = id, metrics = new[] { metric, new { key = "../x", value = 1.0, timestamp = 1, step = 0 } } },
            new { run_id = id, metrics = new[] { metric, new { key = "a//b", value = 1.0, timestamp = 1, step = 0 } } },
            new { run_id = id, metrics = new[] { metric, new { key = "a#b", value = 1.0, timestamp = 1, step = 0 } } },
            new { run_id = id, metrics = new[] { metric, new { key = new string('k', 251), value = 1.0, timestamp = 1, step = 0 } } },
            new { run_id = id, metrics = new object[] { metric, new { key = "b", timestamp = 1 } } },
            new { run_id = id, metrics = new object[] { metric, new { key = "b", value = "x", timestamp = 1 } } },
            new { run_id = id, metrics = new object[] { metric, new { key = "b", value = 1, timestamp = -1 } } },
            new { run_id = id, metrics = new object[] { metric, new { key = "b", value = 1, timestamp = 1, step = 1.5 } } },
            new { run_id = id, metrics = new[] { metric }, tags = new[] { new { key = "big", value = new string('v', 100_000) } } },
            new { run_id = id, metrics = new[] { metric }, @params = new[] { new { key = "p", value = "1" }, new { key = "p", value = "2" } } },
            new { metrics = new[] { metric } },
        ];
        foreach (var body in bad)
        {
            await mlflow.ErrorAsync("runs/log-batch", body, HttpStatusCode.BadRequest, Invalid);
        }

        await mlflow.ErrorAsync("runs/log-batch", $$"""{"run_id":"{{id}}","metrics":[{"key":"a","value":1,"timestamp":1},""", HttpStatusCode.BadRequest, "BAD_REQUEST");
        await mlflow.PostAsync("runs/log-parameter", new { run_id = id, key = "p", value = "1" });
        await mlflow.PostAsync("runs/log-parameter", new { run_id = id, key = "p", value = "1" });
        message = await mlflow.ErrorAsync("runs/log-batch", new { run_id = id, metrics = new[] { metric }, @params = new[] { new { key = "q", value = "1" }, new { key = "p", value = "2" } } }, HttpStatusCode.BadRequest, Invalid);
        Assert.Contains("Changing param values is not allowed. Param with key='p' was already logged with value='1'", message, StringComparison.Ordinal);
        var run = (await mlflow.GetAsync($"runs/get?run_id={id}"))["run"]!["data"]!;
        Assert.Empty(run["metrics"]!.AsArray());
        Assert.Equal(["p=1"], Pairs(run["params"]!));
    }

    [Fact]
    public async Task History_is_complete_paged_and_without_repeated_requests()
    {
        var mlflow = await ClientAsync();
        var id = await mlflow.RunAsync();
        for (var round = 0; round < 2; round++)
        {
            await mlflow.PostAsync("runs/log-batch", new { run_id = id, metrics = Enumerable.Range(0, 900).Select(i => new { key = "loss", value = i / 4.0, timestamp = 1_000 + i, step = i }) });
        }

        var all = (await mlflow.GetAsync($"metrics/get-history?run_id={id}&metric_key=loss"))["metrics"]!.AsArray();
        Assert.Equal(Enumerable.Range(0, 900), all.Select(point => (int)point!["step"]!));
        var steps = new List<int>();
        for (var token = string.Empty; token is not null;)
        {
            var page = await mlflow.GetAsync($"metrics/get-history?run_id={id}&metric_key=loss&max_results=250&page_token={token}");
            steps.AddRange(page["metrics"]!.AsArray().Select(point => (int)point!["step"]!));
            token = (string?)page["next_page_token"];
        }

        Assert.Equal(Enumerable.Range(0, 900), steps);
        Assert.Empty((await mlflow.GetAsync($"metrics/get-history?run_id={id}&metric_key=other"))["metrics"]!.AsArray());
        await mlflow.ErrorAsync($"metrics/get-history?run_id={id}&metric_key=loss&page_token=x", null, HttpStatusCode.BadRequest, Invalid);
        var bulk = (await mlflow.GetAsync($"metrics/get-history-bulk-interval?run_ids={id}&run_ids={id}&metric_key=loss&max_results=10"))["metrics"]!.AsArray();
        Assert.Equal((22, 0, 90, 899), (bulk.Count, (int)bulk[0]!["step"]!, (int)bulk[1]!["step"]!, (int)bulk[10]!["step"]!));
        var ids = string.Concat(Enumerable.Repeat($"run_ids={id}&", 101));
        await mlflow.ErrorAsync($"metrics/get-history-bulk-interval?{ids}metric_key=loss", null, HttpStatusCode.BadRequest, Invalid);
        Assert.Single((await mlflow.GetAsync($"metrics/get-history-bulk-interval?run_ids={id}&metric_key=loss&start_step=5&end_step=5&x={new string('x', 60_000)}"))["metrics"]!.AsArray());
    }

    [Fact]
    public async Task Every_prefix_and_every_way_to_log_in_reaches_the_same_runs()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var run = await new MLflowClient(user.Client, $"/p/{project.Name}/api/2.0/mlflow/").RunAsync();
        foreach (var root in new[] { $"/p/{project.Id}/ajax-api/2.0/mlflow/", "/ajax-api/2.0/mlflow/", "/api/2.0/preview/mlflow/", "/ajax-api/2.0/preview/mlflow/", "/api/3.0/mlflow/" })
        {
            Assert.Equal(run, (string)(await new MLflowClient(user.Client, root).GetAsync($"runs/get?run_id={run}"))["run"]!["info"]!["run_id"]!);
        }

        var created = await user.Client.PostAsync<CreatedAccessToken>("/v1/users/me/tokens", new CreateAccessTokenRequest("ci"));
        foreach (var header in new[] { $"Bearer {created.Token}", Basic(user.User.UserName, TestUser.Password), Basic("token", created.Token) })
        {
            using var client = functions.App.CreateClient();
            client.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(header);
            await new MLflowClient(client).PostAsync("runs/set-tag", new { run_id = run, key = "by", value = "x" });
        }

        Assert.Equal(run, (await user.Client.GetAsync<Run>($"/v1/runs/{run}")).Id);
        await new MLflowClient(functions.Anonymous).ErrorAsync($"runs/get?run_id={run}", null, HttpStatusCode.Unauthorized, "UNAUTHENTICATED");
        using var wrong = functions.App.CreateClient();
        wrong.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(Basic(user.User.UserName, "wrong password"));
        await new MLflowClient(wrong).ErrorAsync($"runs/get?run_id={run}", null, HttpStatusCode.Unauthorized, "UNAUTHENTICATED");
        var stranger = await functions.CreateUserAsync();
        await new MLflowClient(stranger.Client).ErrorAsync($"runs/get?run_id={run}", null, HttpStatusCode.NotFound, Missing);
        await new MLflowClient(stranger.Client, $"/p/{project.Name}/api/2.0/mlflow/").ErrorAsync("experiments/get?experiment_id=0", null, HttpStatusCode.NotFound, Missing);
    }

    [Fact]
    public async Task A_token_does_what_its_scopes_say_until_it_is_revoked()
    {
        var user = await functions.CreateUserAsync();
        var run = await new MLflowClient(user.Client).RunAsync();
        var read = await user.Client.PostAsync<CreatedAccessToken>("/v1/users/me/tokens", new CreateAccessTokenRequest("reader", ["read"], 1));
        var client = functions.Client(read.Token);
        await new MLflowClient(client).GetAsync($"runs/get?run_id={run}");
        await new MLflowClient(client).ErrorAsync("runs/set-tag", new { run_id = run, key = "a", value = "b" }, HttpStatusCode.Forbidden, "PERMISSION_DENIED");
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync("/v1/users/me")).StatusCode);
        var listed = Assert.Single((await user.Client.GetAsync<Contracts.Page<AccessToken>>("/v1/users/me/tokens")).Items);
        Assert.Equal(("reader", true, true), (listed.Name, listed.LastUsedAt is not null, listed.ExpiresAt is not null));
        Assert.Equal(HttpStatusCode.NoContent, (await user.Client.DeleteAsync($"/v1/users/me/tokens/{listed.Id}")).StatusCode);
        await new MLflowClient(client).ErrorAsync($"runs/get?run_id={run}", null, HttpStatusCode.Unauthorized, "UNAUTHENTICATED");
        await user.Client.PostJsonAsync("/v1/users/me/tokens", new CreateAccessTokenRequest("x", ["everything"])).ProblemAsync(HttpStatusCode.BadRequest, Contracts.ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Groups_of_one_statement_are_stored_although_the_connections_of_the_pool_were_cut()
    {
        var run = await new MLflowClient((await functions.CreateUserAsync()).Client).RunAsync();
        await using var connection = new NpgsqlConnection(functions.Postgres);
        for (var step = 1; step <= 3; step++)
        {
            await connection.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle'");
            await functions.App.Services.GetRequiredService<MetricWriter>().AddAsync(MetricBatch.Unnumbered(run, 1, [new MetricRow("loss", step, step, step)]), CancellationToken.None);
            await functions.App.Services.GetRequiredService<RunWriter>().AddAsync(new RunWrite(run) { Tags = [new("step", $"{step}")] }, CancellationToken.None);
        }

        Assert.Equal(
            (3, "3"),
            await connection.QuerySingleAsync<(int, string)>(
                "SELECT (SELECT sum(points)::int FROM metric_log WHERE run_id = @run), (SELECT value FROM run_tags WHERE run_id = @run AND key = 'step')", new { run }));
    }

    private async Task<MLflowClient> ClientAsync() => new((await functions.CreateUserAsync()).Client);

    private static async Task<List<string>> NamesAsync(MLflowClient mlflow, object search)
        => (await mlflow.PostAsync("experiments/search", search))["experiments"]!.AsArray().Select(experiment => (string)experiment!["name"]!).ToList();

    private static List<string> Pairs(JsonNode list) => list.AsArray().Select(pair => $"{pair!["key"]}={pair["value"]}").ToList();

    private static string Basic(string name, string password) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}"));
}
