using System.Net;
using System.Text.Json.Nodes;
using AiPlatform.Contracts.Experiments;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow.Traces;

[Collection(TrackingCollection.Name)]
public sealed class TraceTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Invalid = "INVALID_PARAMETER_VALUE";
    private const string Missing = "RESOURCE_DOES_NOT_EXIST";

    [Fact]
    public async Task A_trace_is_what_its_client_says_and_can_be_completed()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.StartAsync("tr-1", new { tag1 = "red", tag2 = "blue" }, new { meta = "apple" }, "IN_PROGRESS");
        await project.StartAsync("tr-1", new { tag1 = "green" }, duration: "0.250s");
        var info = await project.InfoAsync("tr-1");
        Assert.Equal(("OK", "2026-01-02T03:04:05.678Z", "0.250s"), ((string)info["state"]!, (string)info["request_time"]!, (string)info["execution_duration"]!));
        Assert.Equal(("green", "blue", "apple"), ((string)info["tags"]!["tag1"]!, (string)info["tags"]!["tag2"]!, (string)info["trace_metadata"]!["meta"]!));
        Assert.Equal(project.Experiment, (string)info["trace_location"]!["mlflow_experiment"]!["experiment_id"]!);
        Assert.Equal("TRACKING_STORE", (string)info["tags"]!["mlflow.trace.spansLocation"]!);

        await project.MLflow.PostAsync("traces/tr-1/tags", new { key = "tag2", value = "white" }, "PATCH");
        await project.MLflow.PostAsync("traces/tr-1/tags", new { key = "tag1" }, "DELETE");
        await project.MLflow.ErrorAsync("traces/tr-1/tags", new { key = "tag1" }, HttpStatusCode.NotFound, Missing, "DELETE");
        info = await project.InfoAsync("tr-1");
        Assert.Equal("white", (string)info["tags"]!["tag2"]!);
        Assert.Null(info["tags"]!["tag1"]);

        await project.MLflow.ErrorAsync("traces/tr-2", null, HttpStatusCode.NotFound, Missing);
        await project.MLflow.ErrorAsync("traces", new { trace = new { trace_info = new { trace_id = "tr-3" } } }, HttpStatusCode.BadRequest, Invalid);
        var infos = (await project.MLflow.GetAsync("traces/batchGetInfos?trace_ids=tr-2&trace_ids=tr-1"))["traces"]!.AsArray();
        Assert.Equal("tr-1", (string)Assert.Single(infos)!["trace_info"]!["trace_id"]!);
    }

    [Fact]
    public async Task A_client_of_MLflow_2_begins_and_ends_a_trace()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var legacy = new MLflowClient(project.Http, $"{project.Root}/api/2.0/mlflow/");
        var begun = (await legacy.PostAsync("traces", new
        {
            experiment_id = project.Experiment, timestamp_ms = 1_000, request_metadata = new[] { new { key = "a", value = "1" } }, tags = new[] { new { key = "t", value = "x" } },
        }))["trace_info"]!;
        var id = (string)begun["request_id"]!;
        Assert.Equal("IN_PROGRESS", (string)begun["status"]!);
        await legacy.PostAsync($"traces/{id}", new { timestamp_ms = 3_000, status = "ERROR", request_metadata = new[] { new { key = "b", value = "2" } } }, "PATCH");
        var ended = (await legacy.GetAsync($"traces/{id}/info"))["trace_info"]!;
        Assert.Equal((1_000, 2_000, "ERROR"), ((long)ended["timestamp_ms"]!, (long)ended["execution_time_ms"]!, (string)ended["status"]!));
        Assert.Equal("""[{"key":"a","value":"1"},{"key":"b","value":"2"}]""", ended["request_metadata"]!.ToJsonString());
        Assert.Equal(id, (string)(await legacy.GetAsync($"traces?experiment_ids={project.Experiment}&filter={Uri.EscapeDataString("tags.t = 'x'")}"))["traces"]![0]!["request_id"]!);
    }

    [Fact]
    public async Task Searches_filter_order_and_page()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.StartAsync("tr-1", new { env = "prod", n = "1" }, new { user = "ann" }, time: "2026-01-01T00:00:01Z", duration: "3s");
        await project.StartAsync("tr-2", new { env = "dev" }, new { user = "bob" }, "ERROR", "2026-01-01T00:00:02Z", "1s");
        await project.StartAsync("tr-3", new { env = "prod", n = "2" }, time: "2026-01-01T00:00:03Z", duration: "2s");
        Assert.Equal(["tr-3", "tr-2", "tr-1"], await project.SearchAsync());
        Assert.Equal(["tr-1", "tr-3"], await project.SearchAsync("status = 'OK'", "timestamp ASC"));
        Assert.Equal(["tr-3", "tr-1"], await project.SearchAsync("tags.env = 'prod' AND trace.status != 'ERROR'"));
        Assert.Equal(["tr-2"], await project.SearchAsync("metadata.user LIKE 'b%'"));
        Assert.Equal(["tr-2", "tr-1"], await project.SearchAsync("metadata.user IS NOT NULL"));
        Assert.Equal(["tr-1"], await project.SearchAsync("execution_time_ms >= 3000"));
        Assert.Equal(["tr-1"], await project.SearchAsync("tags.n RLIKE '^1$'"));
        Assert.Equal(["tr-2", "tr-3", "tr-1"], await project.SearchAsync(null, "execution_time"));
        Assert.Equal(["tr-1", "tr-3", "tr-2"], await project.SearchAsync(null, "tags.n ASC"));
        Assert.Equal(["tr-1"], await project.SearchAsync($"timestamp < {DateTimeOffset.Parse("2026-01-01T00:00:02Z", System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds()}"));

        var page = await project.SearchAsync(new { locations = project.Locations, max_results = 2 });
        var next = await project.SearchAsync(new { locations = project.Locations, max_results = 2, page_token = (string)page["next_page_token"]! });
        Assert.Equal(["tr-3", "tr-2"], page["traces"]!.AsArray().Select(static trace => (string)trace!["trace_id"]!));
        Assert.Equal("tr-1", (string)Assert.Single(next["traces"]!.AsArray())!["trace_id"]!);
        Assert.Null(next["next_page_token"]);
    }

    [Theory]
    [InlineData("invalid.filter = 'x'")]
    [InlineData("status")]
    [InlineData("status = OK")]
    [InlineData("timestamp = 'x'")]
    [InlineData("status = 'OK' OR status = 'ERROR'")]
    [InlineData("tags.a RLIKE '('")]
    [InlineData("span.colour = 'x'")]
    [InlineData("trace.text = 'x'")]
    public async Task A_filter_that_is_none_is_refused(string filter)
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.StartAsync("tr-1", new { a = "x" });
        await project.MLflow.ErrorAsync("traces/search", new { locations = project.Locations, filter }, HttpStatusCode.BadRequest, Invalid);
    }

    [Fact]
    public async Task Traces_are_deleted_by_id_or_by_time_the_oldest_first()
    {
        var project = await TraceFixture.CreateAsync(functions);
        for (var i = 1; i <= 4; i++)
        {
            await project.StartAsync($"tr-{i}", time: $"2026-01-01T00:00:0{i}Z");
        }

        Assert.Equal(1, await DeleteAsync(project, new { experiment_id = project.Experiment, request_ids = new[] { "tr-3", "tr-9" } }));
        Assert.Equal(1, await DeleteAsync(project, new { experiment_id = project.Experiment, max_timestamp_millis = 4_000_000_000_000, max_traces = 1 }));
        Assert.Equal(["tr-4", "tr-2"], await project.SearchAsync());
        Assert.Equal(2, await DeleteAsync(project, new { experiment_id = project.Experiment, max_timestamp_millis = "4000000000000" }));
        await project.MLflow.ErrorAsync("traces/delete-traces", new { experiment_id = project.Experiment }, HttpStatusCode.BadRequest, Invalid);
        await project.MLflow.ErrorAsync(
            "traces/delete-traces", new { experiment_id = project.Experiment, max_timestamp_millis = 1, request_ids = new[] { "a" } }, HttpStatusCode.BadRequest, Invalid);
    }

    [Fact]
    public async Task Runs_and_prompts_are_linked_and_found()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var run = await project.MLflow.RunAsync(project.Experiment);
        await project.StartAsync("tr-1");
        await project.StartAsync("tr-2", metadata: new Dictionary<string, string> { ["mlflow.sourceRun"] = run });
        await project.StartAsync("tr-3");
        for (var i = 0; i < 2; i++)
        {
            await project.MLflow.PostAsync("traces/link-to-run", new { trace_ids = new[] { "tr-1", "tr-9" }, run_id = run });
        }

        await project.MLflow.PostAsync("traces/link-prompts", new { trace_id = "tr-3", prompt_versions = new[] { new { name = "greeting", version = "2" } } });
        Assert.Equal(["tr-1", "tr-2"], (await project.SearchAsync($"attribute.run_id = '{run}'")).Order(StringComparer.Ordinal));
        Assert.Equal(["tr-3"], await project.SearchAsync("prompt = 'greeting/2'"));
        await project.MLflow.ErrorAsync("traces/link-to-run", new { trace_ids = new[] { "tr-1" }, run_id = "nothing" }, HttpStatusCode.NotFound, Missing);
        await project.MLflow.ErrorAsync(
            "traces/link-to-run", new { trace_ids = Enumerable.Range(0, 101).Select(static i => $"tr-{i}"), run_id = run }, HttpStatusCode.BadRequest, Invalid);
        await project.MLflow.ErrorAsync("traces/link-prompts", new { trace_id = "tr-9", prompt_versions = new[] { new { name = "a", version = "1" } } }, HttpStatusCode.NotFound, Missing);
    }

    [Fact]
    public async Task A_trace_has_no_more_tags_than_it_may_however_they_come()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.StartAsync("tr-1", Enumerable.Range(0, 900).ToDictionary(static i => $"t{i}", static _ => "x"));
        await project.MLflow.PostAsync("traces/tr-1/tags", new { key = "one", value = new string('v', 10_000) }, "PATCH");
        await project.MLflow.ErrorAsync(
            "traces",
            new { trace = new { trace_info = new { trace_id = "tr-1", trace_location = project.Locations[0], request_time = "2026-01-01T00:00:00Z", tags = Enumerable.Range(900, 900).ToDictionary(static i => $"t{i}", static _ => "x") } } },
            HttpStatusCode.BadRequest,
            Invalid);
        var tags = (await project.InfoAsync("tr-1"))["tags"]!.AsObject();
        Assert.Equal((903, 8_000), (tags.Count, ((string)tags["one"]!).Length));
    }

    [Fact]
    public async Task Two_filters_are_correlated()
    {
        var project = await TraceFixture.CreateAsync(functions);
        for (var i = 0; i < 10; i++)
        {
            await project.StartAsync($"tr-{i}", new { env = i < 6 ? "prod" : "dev", tool = i < 7 ? "yes" : "no" });
        }

        var result = await project.MLflow.PostAsync(
            "traces/calculate-filter-correlation", new { experiment_ids = new[] { project.Experiment }, filter_string1 = "tags.env = 'prod'", filter_string2 = "tags.tool = 'yes'" });
        Assert.Equal((10, 6, 7, 6), ((int)result["total_count"]!, (int)result["filter1_count"]!, (int)result["filter2_count"]!, (int)result["joint_count"]!));
        Assert.InRange((double)result["npmi"]!, 0.6, 0.8);
        var nothing = await project.MLflow.PostAsync(
            "traces/calculate-filter-correlation", new { experiment_ids = new[] { project.Experiment }, filter_string1 = "tags.env = 'moon'", filter_string2 = "tags.tool = 'yes'" });
        Assert.Equal("NaN", (string)nothing["npmi"]!);
    }

    [Fact]
    public async Task Ids_of_one_project_mean_nothing_in_another()
    {
        var first = await TraceFixture.CreateAsync(functions);
        var second = await TraceFixture.CreateAsync(functions);
        await first.StartAsync("tr-1", new { of = "first" });
        await second.StartAsync("tr-1", new { of = "second" });
        Assert.Equal("first", (string)(await first.InfoAsync("tr-1"))["tags"]!["of"]!);
        var stranger = first.As(second.Http);
        await stranger.MLflow.ErrorAsync("traces/tr-1", null, HttpStatusCode.NotFound, Missing);
        using var refused = await stranger.ExportAsync(TraceFixture.Span(1, 1));
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
    }

    [Fact]
    public async Task A_job_reaches_the_traces_that_it_made_in_the_experiment_of_its_run()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var run = await project.MLflow.RunAsync(project.Experiment);
        var other = await project.MLflow.ExperimentAsync("other");
        await project.StartAsync("tr-people");
        var job = project.As(functions.Job("0123456789abcdef0123456789abcdef", run));
        await job.StartAsync("tr-job");
        await job.LogAsync(TraceFixture.Span(7, 1));
        Assert.Equal([TraceFixture.TraceId(7), "tr-job"], (await job.SearchAsync()).Order(StringComparer.Ordinal));
        Assert.Equal(3, (await project.SearchAsync()).Count);
        await job.MLflow.ErrorAsync("traces/tr-people", null, HttpStatusCode.NotFound, Missing);
        await job.MLflow.ErrorAsync("traces/tr-people/tags", new { key = "a", value = "b" }, HttpStatusCode.NotFound, Missing, "PATCH");
        await job.MLflow.ErrorAsync(
            "traces", new { trace = new { trace_info = new { trace_id = "tr-people", trace_location = job.Locations[0], request_time = "2026-01-01T00:00:00Z" } } }, HttpStatusCode.BadRequest, "RESOURCE_ALREADY_EXISTS");
        await job.MLflow.ErrorAsync(
            "traces",
            new { trace = new { trace_info = new { trace_id = "tr-x", trace_location = new { mlflow_experiment = new { experiment_id = other } }, request_time = "2026-01-01T00:00:00Z" } } },
            HttpStatusCode.NotFound,
            Missing);
        await job.MLflow.ErrorAsync("traces/tr-people/assessments", new { assessment = new { assessment_name = "a", feedback = new { value = 1 }, source = new { source_type = "CODE" } } }, HttpStatusCode.NotFound, Missing);
    }

    [Fact]
    public async Task The_server_says_what_it_is()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var info = await project.MLflow.GetAsync("server-info");
        Assert.Equal(("SqlStore", false), ((string)info["store_type"]!, (bool)info["workspaces_enabled"]!));
        foreach (var path in (string[])["/version", $"{project.Root}/version"])
        {
            Assert.True(Version.Parse(await functions.Anonymous.GetStringAsync(path)) >= new Version(3, 4), path);
        }
    }

    private static async Task<int> DeleteAsync(TraceFixture project, object body) => (int)(await project.MLflow.PostAsync("traces/delete-traces", body))["traces_deleted"]!;
}
