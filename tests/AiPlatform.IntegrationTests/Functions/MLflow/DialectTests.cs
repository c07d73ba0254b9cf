using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

/// <summary>Answers as MLflow's own server gives them, where clients look at more than what they asked for.</summary>
[Collection(TrackingCollection.Name)]
public abstract class DialectTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : DialectTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : DialectTests(functions), IClassFixture<HostedFunctionsFixture>;

    private const string Invalid = "INVALID_PARAMETER_VALUE";
    private const string Missing = "RESOURCE_DOES_NOT_EXIST";

    [Fact]
    public async Task Experiments_have_decimal_ids_and_are_reached_by_the_platforms_own_too()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var mlflow = new MLflowClient(user.Client, $"/p/{project.Name}/api/2.0/mlflow/");
        var first = await mlflow.ExperimentAsync("first");
        var second = await mlflow.ExperimentAsync("second");
        Assert.True(long.Parse(second) > long.Parse(first) && long.Parse(first) > 0);
        var native = (await user.Client.GetAsync<Contracts.Page<Contracts.Experiments.Experiment>>($"/v1/projects/{project.Id}/experiments")).Items.Single(experiment => experiment.Name == "first").Id;
        foreach (var id in new[] { first, native })
        {
            Assert.Equal((first, "first"), Named(await mlflow.GetAsync($"experiments/get?experiment_id={id}")));
            var run = (await mlflow.PostAsync("runs/create", new { experiment_id = id }))["run"]!["info"]!;
            Assert.Equal(first, (string)run["experiment_id"]!);
            Assert.Equal($"mlflow-artifacts:/{first}/{run["run_id"]}/artifacts", (string)run["artifact_uri"]!);
        }

        Assert.Equal(2, (await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { first, native } }))["runs"]!.AsArray().Count);
        Assert.Equal("0", (string)(await mlflow.GetAsync("experiments/get-by-name?experiment_name=Default"))["experiment"]!["experiment_id"]!);
        await mlflow.ErrorAsync("experiments/get?experiment_id=999999999", null, HttpStatusCode.NotFound, Missing);

        // The number of somebody else's experiment leads nowhere.
        var stranger = new MLflowClient((await functions.CreateUserAsync()).Client);
        await stranger.ErrorAsync($"experiments/get?experiment_id={first}", null, HttpStatusCode.NotFound, Missing);
        await stranger.ErrorAsync("runs/create", new { experiment_id = first }, HttpStatusCode.NotFound, Missing);

        static (string, string) Named(JsonObject answer) => ((string)answer["experiment"]!["experiment_id"]!, (string)answer["experiment"]!["name"]!);
    }

    [Theory]
    [InlineData(null, true, false)]
    [InlineData("", true, false)]
    [InlineData("tag.`mlflow.prompt.is_prompt` != 'true'", true, false)]
    [InlineData("tags.`mlflow.prompt.is_prompt` = 'false'", true, false)]
    [InlineData("tags.`mlflow.prompt.is_prompt` = 'true'", false, true)]
    [InlineData("tags.`mlflow.prompt.is_prompt` != 'false'", false, true)]
    [InlineData("name LIKE '%' AND tag.`mlflow.prompt.is_prompt` != 'true'", true, false)]
    [InlineData("tags.stage != 'x'", false, false)]
    public async Task Models_without_the_tag_of_prompts_are_no_prompts_and_prompts_are_found_when_asked_for(string? filter, bool model, bool prompt)
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        await mlflow.PostAsync("registered-models/create", new { name = "model" });
        await mlflow.PostAsync("registered-models/create", new { name = "prompt", tags = Prompt });
        await mlflow.PostAsync("model-versions/create", new { name = "model", source = "s3://b/m" });
        await mlflow.PostAsync("model-versions/create", new { name = "prompt", source = "prompt-template", tags = Prompt });
        var expected = new[] { ("model", model), ("prompt", prompt) }.Where(entry => entry.Item2).Select(entry => entry.Item1);
        var query = filter is null ? string.Empty : "?filter=" + Uri.EscapeDataString(filter);
        foreach (var (route, list) in new[] { ("registered-models/search", "registered_models"), ("model-versions/search", "model_versions") })
        {
            Assert.Equal(expected, (await mlflow.GetAsync(route + query))[list]!.AsArray().Select(entry => (string)entry!["name"]!));
        }
    }

    [Fact]
    public async Task Versions_and_logged_models_may_name_runs_of_other_servers()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var known = await mlflow.RunAsync();
        var strange = await new MLflowClient((await functions.CreateUserAsync()).Client).RunAsync();
        await mlflow.PostAsync("registered-models/create", new { name = "m" });
        foreach (var run in new[] { known, strange, "run-of-elsewhere" })
        {
            var version = (await mlflow.PostAsync("model-versions/create", new { name = "m", source = "s3://b/k", run_id = run }))["model_version"]!;
            Assert.Equal(run, (string)version["run_id"]!);
            var found = (await mlflow.GetAsync($"model-versions/search?filter={Uri.EscapeDataString($"run_id = '{run}'")}"))["model_versions"]!.AsArray();
            Assert.Equal((string)version["version"]!, (string)Assert.Single(found)!["version"]!);
            var logged = (await mlflow.PostAsync("logged-models", new { experiment_id = "0", name = "net", source_run_id = run }))["model"]!["info"]!;
            Assert.Equal(run, (string)logged["source_run_id"]!);
            Assert.Single((await mlflow.PostAsync("logged-models/search", new { experiment_ids = new[] { "0" }, filter = $"source_run_id = '{run}'" }))["models"]!.AsArray());
        }
    }

    [Fact]
    public async Task What_is_not_there_is_left_out()
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        var run = await mlflow.RunAsync();
        await mlflow.PostAsync("registered-models/create", new { name = "m" });
        Assert.False((await mlflow.GetAsync("registered-models/get?name=m"))["registered_model"]!.AsObject().ContainsKey("description"));
        var version = (await mlflow.PostAsync("model-versions/create", new { name = "m", source = "s3://b/k" }))["model_version"]!.AsObject();
        Assert.All(["description", "run_id", "run_link", "status_message", "model_id"], name => Assert.False(version.ContainsKey(name), name));
        var logged = (await mlflow.PostAsync("logged-models", new { experiment_id = "0", name = "net" }))["model"]!["info"]!.AsObject();
        Assert.All(["model_type", "source_run_id", "status_message"], name => Assert.False(logged.ContainsKey(name), name));
        await mlflow.PostAsync("runs/log-inputs", new { run_id = run, datasets = new[] { new { dataset = new { name = "d", digest = "1", source_type = "s", source = "{}" } } } });
        var dataset = (await mlflow.GetAsync($"runs/get?run_id={run}"))["run"]!["inputs"]!["dataset_inputs"]![0]!["dataset"]!.AsObject();
        Assert.All(["schema", "profile"], name => Assert.False(dataset.ContainsKey(name), name));
        Assert.False((await mlflow.PostAsync("experiments/search-datasets", new { experiment_ids = new[] { "0" } }))["dataset_summaries"]![0]!.AsObject().ContainsKey("context"));
    }

    [Fact]
    public async Task A_model_changes_with_its_versions()
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        await mlflow.PostAsync("registered-models/create", new { name = "m" });
        var last = await ChangedAsync();
        foreach (var (path, body, method) in new (string, object, string)[]
        {
            ("model-versions/create", new { name = "m", source = "s3://b/k" }, "POST"),
            ("model-versions/transition-stage", new { name = "m", version = "1", stage = "Staging" }, "POST"),
            ("model-versions/delete", new { name = "m", version = "1" }, "DELETE"),
        })
        {
            await Eventually.TrueAsync(() => Task.FromResult(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() > last), "the clock went on");
            await mlflow.PostAsync(path, body, method);
            var now = await ChangedAsync();
            Assert.True(now > last, path);
            last = now;
        }

        async Task<long> ChangedAsync() => (long)(await mlflow.GetAsync("registered-models/get?name=m"))["registered_model"]!["last_updated_timestamp"]!;
    }

    [Fact]
    public async Task A_delete_needs_no_body_and_an_unknown_tag_is_not_found()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var id = (string)(await mlflow.PostAsync("logged-models", new { experiment_id = "0", name = "net", tags = new[] { new { key = "a", value = "1" } } }))["model"]!["info"]!["model_id"]!;
        Assert.Equal(HttpStatusCode.OK, (await user.Client.DeleteAsync($"/api/2.0/mlflow/logged-models/{id}/tags/a")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await user.Client.DeleteAsync($"/api/2.0/mlflow/logged-models/{id}/tags/a")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await user.Client.DeleteAsync($"/api/2.0/mlflow/logged-models/{id}")).StatusCode);
        await mlflow.PostAsync("registered-models/create", new { name = "m" });
        Assert.Equal(HttpStatusCode.OK, (await user.Client.DeleteAsync("/api/2.0/mlflow/registered-models/delete?name=m")).StatusCode);
        await mlflow.ErrorAsync("registered-models/get?name=m", null, HttpStatusCode.NotFound, Missing);
    }

    [Fact]
    public async Task A_logged_model_names_the_versions_that_came_from_it()
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        var id = (string)(await mlflow.PostAsync("logged-models", new { experiment_id = "0", name = "net" }))["model"]!["info"]!["model_id"]!;
        await mlflow.PostAsync("registered-models/create", new { name = "m" });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => mlflow.PostAsync("model-versions/create", new { name = "m", source = $"models:/{id}", model_id = id })));
        var tag = (await mlflow.GetAsync($"logged-models/{id}"))["model"]!["info"]!["tags"]!.AsArray().Single(entry => (string)entry!["key"]! == "mlflow.modelVersions")!;
        Assert.Contains("""{"name": "m", "version": 1}""", (string)tag["value"]!, StringComparison.Ordinal);
        Assert.Equal(["m/1", "m/2", "m/3", "m/4"], JsonNode.Parse((string)tag["value"]!)!.AsArray().Select(entry => $"{entry!["name"]}/{entry["version"]}").Order());
    }

    [Fact]
    public async Task Logged_models_are_searched_and_ordered_by_what_was_measured_on_a_dataset()
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        var run = await mlflow.RunAsync();
        foreach (var (name, train, test) in new[] { ("a", 0.9, 0.1), ("b", 0.5, 0.7), ("c", 0.2, (double?)null) })
        {
            var id = (string)(await mlflow.PostAsync("logged-models", new { experiment_id = "0", name }))["model"]!["info"]!["model_id"]!;
            var points = new List<object> { Point(id, "train", train) };
            if (test is { } value)
            {
                points.Add(Point(id, "test", value));
            }

            await mlflow.PostAsync("runs/log-batch", new { run_id = run, metrics = points });
        }

        Assert.Equal(["a", "b"], await FoundAsync(new { experiment_ids = new[] { "0" }, datasets = new[] { new { dataset_name = "test" } } }));
        Assert.Equal(["b"], await FoundAsync(new { experiment_ids = new[] { "0" }, filter = "metrics.acc > 0.5", datasets = new[] { new { dataset_name = "test", dataset_digest = "d" } } }));
        Assert.Equal(["a", "b"], await FoundAsync(new { experiment_ids = new[] { "0" }, filter = "metrics.acc > 0.6" }));
        Assert.Empty(await FoundAsync(new { experiment_ids = new[] { "0" }, datasets = new[] { new { dataset_name = "test", dataset_digest = "other" } } }));
        var ordered = await mlflow.PostAsync("logged-models/search", new { experiment_ids = new[] { "0" }, order_by = new[] { new { field_name = "metrics.acc", ascending = false, dataset_name = "test" } } });
        Assert.Equal(["b", "a", "c"], ordered["models"]!.AsArray().Select(model => (string)model!["info"]!["name"]!));
        await mlflow.ErrorAsync("logged-models/search", new { experiment_ids = new[] { "0" }, datasets = new[] { new { dataset_digest = "d" } } }, HttpStatusCode.BadRequest, Invalid);

        static object Point(string id, string dataset, double value) => new { key = "acc", value, timestamp = 1, step = 0, model_id = id, dataset_name = dataset, dataset_digest = "d" };

        async Task<IEnumerable<string>> FoundAsync(object body) => (await mlflow.PostAsync("logged-models/search", body))["models"]!.AsArray().Select(model => (string)model!["info"]!["name"]!).Order();
    }

    [Fact]
    public async Task Samples_of_histories_are_the_same_steps_for_all_runs_with_each_runs_ends()
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        var (shorter, longer) = (await LoggedAsync(10), await LoggedAsync(20));
        Assert.Equal([0, 2, 4, 6, 8, 9], await StepsAsync($"run_ids={shorter}&max_results=5"));
        Assert.Equal([0, 1, 2, 3, 4], await StepsAsync($"run_ids={shorter}&max_results=5&start_step=0&end_step=4"));
        Assert.Equal([0, 4, 8, 9, 0, 4, 8, 9, 12, 16, 19], await StepsAsync($"run_ids={shorter}&run_ids={longer}&max_results=5"));
        await mlflow.ErrorAsync($"metrics/get-history-bulk-interval?run_ids={shorter}&metric_key=a&max_results=0", null, HttpStatusCode.BadRequest, Invalid);

        async Task<string> LoggedAsync(int points)
        {
            var run = await mlflow.RunAsync();
            await mlflow.PostAsync("runs/log-batch", new { run_id = run, metrics = Enumerable.Range(0, points).Select(step => new { key = "a", value = 1.0, timestamp = 1, step }) });
            return run;
        }

        async Task<IEnumerable<int>> StepsAsync(string query)
            => (await mlflow.GetAsync($"metrics/get-history-bulk-interval?metric_key=a&{query}"))["metrics"]!.AsArray().Select(point => (int)point!["step"]!);
    }

    [Fact]
    public async Task Messages_name_the_clients_values_and_routes()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        Assert.StartsWith("Invalid value 31 for parameter 'run_id' supplied", await RefusedAsync("runs/log-metric", """{"run_id":31,"key":"a","value":1,"timestamp":1}"""), StringComparison.Ordinal);
        Assert.StartsWith("Invalid value \"foo\" for parameter 'step' supplied", await RefusedAsync("runs/log-metric", $$"""{"run_id":"{{run}}","key":"a","value":1,"timestamp":1,"step":"foo"}"""), StringComparison.Ordinal);
        Assert.StartsWith("Invalid value {\"a\":1} for parameter 'metrics' supplied", await RefusedAsync("runs/log-batch", $$"""{"metrics":{"a":1},"run_id":"{{run}}"}"""), StringComparison.Ordinal);
        Assert.StartsWith("Missing value for required parameter 'metrics[1].timestamp'",
            await RefusedAsync("runs/log-batch", $$"""{"run_id":"{{run}}","metrics":[{"key":"a","value":1,"timestamp":1},{"key":"a","value":1}]}"""), StringComparison.Ordinal);
        Assert.StartsWith("Missing value for required parameter 'datasets'", await RefusedAsync("runs/log-inputs", $$"""{"run_id":"{{run}}"}"""), StringComparison.Ordinal);
        Assert.StartsWith("Invalid value 123456789 for parameter 'max_results' supplied", await RefusedAsync("runs/search", """{"experiment_ids":["0"],"max_results":123456789}"""), StringComparison.Ordinal);
        Assert.StartsWith("SearchDatasets request must specify at least one experiment_id.", await RefusedAsync("experiments/search-datasets", "{}"), StringComparison.Ordinal);
        Assert.InRange((await RefusedAsync("runs/log-metric", $$"""{"run_id":["{{new string('x', 100_000)}}"]}""")).Length, 1, 500);
        var unknown = new MLflowClient(user.Client, "/ajax-api/2.0/mlflow/");
        Assert.Contains("GET /ajax-api/2.0/mlflow/nothing", await unknown.ErrorAsync("nothing", null, HttpStatusCode.NotFound, "ENDPOINT_NOT_FOUND"), StringComparison.Ordinal);

        Task<string> RefusedAsync(string path, string body) => mlflow.ErrorAsync(path, body, HttpStatusCode.BadRequest, Invalid);
    }

    [Fact]
    public async Task A_wrong_password_says_so()
    {
        var user = await functions.CreateUserAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/2.0/mlflow/experiments/get?experiment_id=0");
        request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user.User.UserName}:wrong")));
        using var answer = await functions.Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("The user name or password is wrong", (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["message"]!);
        Assert.Equal("Basic", answer.Headers.WwwAuthenticate.Single().Scheme);
    }

    [Fact]
    public async Task A_page_that_asks_for_the_password_itself_gets_no_challenge()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/2.0/mlflow/experiments/get?experiment_id=0");
        request.Headers.Add("X-Requested-With", "XMLHttpRequest");
        using var answer = await functions.Anonymous.SendAsync(request);
        Assert.Equal((HttpStatusCode.Unauthorized, 0), (answer.StatusCode, answer.Headers.WwwAuthenticate.Count));
    }

    [Fact]
    public async Task What_is_equal_is_ordered_by_name()
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        foreach (var name in new[] { "b", "B", "a", "c" })
        {
            await mlflow.PostAsync("registered-models/create", new { name = name == "B" ? "Bb" : name });
            await mlflow.PostAsync("model-versions/create", new { name = name == "B" ? "Bb" : name, source = "s3://b/k" });
        }

        Assert.Equal(["Bb", "a", "b", "c"], await NamesAsync("registered-models/search", "registered_models"));
        Assert.Equal(["Bb", "a", "b", "c"], await NamesAsync("model-versions/search?order_by=version_number ASC", "model_versions"));
        Assert.Equal(["c", "b", "a", "Bb"], await NamesAsync("registered-models/search?order_by=name DESC", "registered_models"));

        async Task<IEnumerable<string>> NamesAsync(string route, string list) => (await mlflow.GetAsync(route))[list]!.AsArray().Select(entry => (string)entry!["name"]!);
    }

    private static readonly object[] Prompt = [new { key = "mlflow.prompt.is_prompt", value = "true" }];
}
