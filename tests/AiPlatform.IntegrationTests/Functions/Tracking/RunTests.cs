using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.IntegrationTests.Functions.Data;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Tracking;

[Collection(DataCollection.Name)]
public abstract class RunTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : RunTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : RunTests(functions), IClassFixture<HostedFunctionsFixture>;

    private static readonly DateTimeOffset Start = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task A_run_is_created_logged_to_listed_ended_deleted_and_restored()
    {
        var (client, run) = await RunAsync(new CreateRunRequest("first", new Dictionary<string, string> { ["lr"] = "0.1" }, new Dictionary<string, string> { ["team"] = "a" }));
        Assert.Equal((RunStatus.Running, "first", "0.1", "a"), (run.Status, run.Name, run.Params["lr"], run.Tags["team"]));
        await client.PostJsonAsync($"/v1/runs/{run.Id}/tags", new SetTagsRequest(new Dictionary<string, string> { ["team"] = "b" }));
        Assert.Equal("b", (await client.GetAsync<Run>($"/v1/runs/{run.Id}")).Tags["team"]);
        Assert.Equal(run.Id, Assert.Single((await client.GetAsync<Page<Run>>($"/v1/projects/{run.ProjectId}/runs")).Items).Id);
        Assert.Equal(run.Id, Assert.Single((await client.GetAsync<Page<Run>>($"/v1/projects/{run.ProjectId}/experiments/exp/runs")).Items).Id);

        var ended = await (await client.SendJsonAsync(HttpMethod.Patch, $"/v1/runs/{run.Id}", new UpdateRunRequest(Status: RunStatus.Finished))).ReadAsync<Run>();
        Assert.NotNull(ended.EndedAt);
        var problem = await client.SendJsonAsync(HttpMethod.Patch, $"/v1/runs/{run.Id}", new UpdateRunRequest(Status: RunStatus.Running))
            .ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
        Assert.Contains("finished", problem.Detail, StringComparison.Ordinal);
        Assert.Contains("running", problem.Detail, StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync($"/v1/runs/{run.Id}")).StatusCode);
        await client.GetAsync($"/v1/runs/{run.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Equal(run.Id, (await client.PostAsync<Run>($"/v1/runs/{run.Id}/restore", new { })).Id);
    }

    [Fact]
    public async Task A_parameter_never_changes_and_a_refused_request_stores_nothing()
    {
        var (client, run) = await RunAsync();
        await client.PostJsonAsync($"/v1/runs/{run.Id}/params", Params(("b", "1")));
        Assert.Equal(HttpStatusCode.NoContent, (await client.PostJsonAsync($"/v1/runs/{run.Id}/params", Params(("b", "1")))).StatusCode);
        await client.PostJsonAsync($"/v1/runs/{run.Id}/params", Params(("a", "1"), ("b", "2"), ("c", "3"))).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.ValueConflict);
        await client.PostJsonAsync($"/v1/runs/{run.Id}/params", Params(("x", new string('y', 100_000)))).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Equal(new Dictionary<string, string> { ["b"] = "1" }, (await client.GetAsync<Run>($"/v1/runs/{run.Id}")).Params);
    }

    [Fact]
    public async Task A_batch_sent_again_or_overlapping_stores_each_point_once()
    {
        var (client, run) = await RunAsync();
        Assert.Equal(new LogMetricsResponse(3, 3), await LogAsync(client, run, 1, 0, 1, 2, 3));
        Assert.Equal(new LogMetricsResponse(0, 3), await LogAsync(client, run, 1, 0, 1, 2, 3));
        Assert.Equal(new LogMetricsResponse(1, 4), await LogAsync(client, run, 1, 2, 3, 4));
        Assert.Equal([1d, 2, 3, 4], (await PointsAsync(client, run)).Select(point => point.Value));
        var summary = Assert.Single((await client.GetAsync<Run>($"/v1/runs/{run.Id}")).Metrics);
        Assert.Equal((4d, 3L, 1d, 4d, 4L), (summary.Last, summary.LastStep, summary.Min, summary.Max, summary.Count));
    }

    [Fact]
    public async Task Gaps_are_reported_until_they_are_filled()
    {
        var (client, run) = await RunAsync();
        await LogAsync(client, run, 1, 0, 1);
        Assert.Equal(new LogMetricsResponse(2, 1), await LogAsync(client, run, 1, 5, 6, 7));
        Assert.Equal(new LogMetricsResponse(1, 1), await LogAsync(client, run, 1, 2, 3));
        var open = await client.GetAsync<MetricsCompleteness>($"/v1/runs/{run.Id}/metrics/completeness");
        Assert.False(open.Complete);
        var source = Assert.Single(open.Sources);
        Assert.Equal((4L, 1L), (source.Count, source.NextSequence));
        Assert.Equal([[1, 1], [3, 4]], source.Gaps);

        Assert.Equal(new LogMetricsResponse(1, 3), await LogAsync(client, run, 1, 1, 2));
        Assert.Equal(new LogMetricsResponse(2, 7), await LogAsync(client, run, 1, 3, 4, 5));
        Assert.True((await client.GetAsync<MetricsCompleteness>($"/v1/runs/{run.Id}/metrics/completeness")).Complete);
    }

    [Fact]
    public async Task A_resumed_attempt_supersedes_what_came_after_its_checkpoint_even_when_that_arrives_late()
    {
        var (client, run) = await RunAsync();
        await LogAsync(client, run, 1, 0, 10, 11, 12, 13);
        await ResumeAsync(client, run, 2, 1);
        await LogFromAsync(client, run, 2, 2, 0, 22, 23);
        // A point of the first attempt that waited in its spool.
        await LogAsync(client, run, 1, 4, 99);
        Assert.Equal([(10d, 1), (11d, 1), (22d, 2), (23d, 2)], (await PointsAsync(client, run)).Select(point => (point.Value, point.Attempt!.Value)));
        Assert.Equal(7, (await PointsAsync(client, run, "&attempts=all")).Count);
        var summary = Assert.Single((await client.GetAsync<Run>($"/v1/runs/{run.Id}")).Metrics);
        Assert.Equal((23d, 10d, 23d, 4L), (summary.Last, summary.Min, summary.Max, summary.Count));
    }

    [Fact]
    public async Task An_attempt_that_says_nothing_about_a_checkpoint_began_anew_until_it_says_otherwise()
    {
        var (client, run) = await RunAsync();
        await LogAsync(client, run, 1, 0, 10, 11, 12);
        await LogFromAsync(client, run, 2, 2, 0, 22);
        Assert.Equal([22d], (await PointsAsync(client, run)).Select(point => point.Value));
        await ResumeAsync(client, run, 2, 1);
        await ResumeAsync(client, run, 2, 1);
        Assert.Equal([10d, 11, 22], (await PointsAsync(client, run)).Select(point => point.Value));
        Assert.Equal(3, Assert.Single((await client.GetAsync<Run>($"/v1/runs/{run.Id}")).Metrics).Count);
    }

    [Fact]
    public async Task Values_that_are_no_numbers_are_kept_and_spoil_no_extremes()
    {
        var (client, run) = await RunAsync();
        await LogAsync(client, run, 1, 0, double.NaN, double.PositiveInfinity, 2, double.NaN);
        Assert.Equal([double.NaN, double.PositiveInfinity, 2, double.NaN], (await PointsAsync(client, run)).Select(point => point.Value));
        var summary = Assert.Single((await client.GetAsync<Run>($"/v1/runs/{run.Id}")).Metrics);
        Assert.Equal((double.NaN, 2d, double.PositiveInfinity), (summary.Last, summary.Min, summary.Max));
    }

    [Fact]
    public async Task Two_instances_that_store_the_same_batches_at_once_store_each_point_once()
    {
        var user = await functions.CreateUserAsync();
        var run = await CreateRunAsync(user.Client, new CreateRunRequest());
        await using var another = await functions.StartAnotherAsync();
        using var second = another.CreateClient(user.AccessToken);
        await Task.WhenAll(
            from client in new[] { user.Client, second }
            from batch in Enumerable.Range(0, 20)
            select LogAsync(client, run, 1, batch * 10, [.. Enumerable.Range(batch * 10, 10).Select(i => (double)i)]));
        Assert.Equal(Enumerable.Range(0, 200).Select(i => (double)i), (await PointsAsync(user.Client, run)).Select(point => point.Value));
        var completeness = await second.GetAsync<MetricsCompleteness>($"/v1/runs/{run.Id}/metrics/completeness");
        Assert.Equal((true, 200L, 200L), (completeness.Complete, completeness.Sources[0].Count, completeness.Sources[0].NextSequence));
        Assert.Equal(200, Assert.Single((await second.GetAsync<Run>($"/v1/runs/{run.Id}")).Metrics).Count);
    }

    [Fact]
    public async Task Points_are_paged_by_step()
    {
        var (client, run) = await RunAsync();
        await LogAsync(client, run, 1, 0, [.. Enumerable.Range(0, 25).Select(i => (double)i)]);
        var values = new List<double>();
        string? token = null;
        do
        {
            var page = await client.GetAsync<Page<MetricPoint>>($"/v1/runs/{run.Id}/metrics?key=loss&pageSize=10{(token is null ? string.Empty : $"&pageToken={token}")}");
            values.AddRange(page.Items.Select(point => point.Value));
            token = page.NextPageToken;
        }
        while (token is not null);

        Assert.Equal(Enumerable.Range(0, 25).Select(i => (double)i), values);
        await client.GetAsync($"/v1/runs/{run.Id}/metrics?key=loss&pageToken=WyJ4Il0").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidPageToken);
        await client.GetAsync($"/v1/runs/{run.Id}/metrics?key=loss&pageSize=501").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Bad_batches_are_refused_whole()
    {
        var (client, run) = await RunAsync();
        var point = new MetricPoint("loss", 0, 1, Start);
        LogMetricsRequest[] batches =
        [
            new(0, "0-0", 0, [point]),
            new(1, string.Empty, 0, [point]),
            new(1, "0-0", -1, [point]),
            new(1, "0-0", 0, []),
            new(1, "0-0", 0, [.. Enumerable.Repeat(point, 1_001)]),
            new(1, "0-0", 0, [point, point with { Key = new string('k', 251) }]),
            new(1, "0-0", 0, [point with { Key = "nul\0" }]),
        ];
        foreach (var batch in batches)
        {
            await client.PostJsonAsync($"/v1/runs/{run.Id}/metrics", batch).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        }

        await client.PostJsonAsync($"/v1/runs/{run.Id}/metrics", """{"attempt":1,"source":"0-0","firstSequence":0,"points":[{"key":"loss","step":"x","value":1,"timestamp":"2026-05-01T00:00:00Z"}]}""")
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Empty((await client.GetAsync<MetricsCompleteness>($"/v1/runs/{run.Id}/metrics/completeness")).Sources);
    }

    [Fact]
    public async Task A_job_token_writes_to_its_own_run_and_attempt_only()
    {
        var (client, run) = await RunAsync();
        var (_, other) = await RunAsync();
        var job = functions.Job("00000000000000000000000000000001", run.Id, attempt: 2);
        Assert.Equal(1, (await LogAsync(job, run, 2, 0, 1)).Stored);
        await job.PostJsonAsync($"/v1/runs/{run.Id}/metrics", Batch(1, 0, 0, 5)).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await job.PostJsonAsync($"/v1/runs/{other.Id}/metrics", Batch(2, 0, 0, 5)).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await job.DeleteAsync($"/v1/runs/{run.Id}").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        var stranger = await functions.CreateUserAsync();
        await stranger.Client.PostJsonAsync($"/v1/runs/{run.Id}/metrics", Batch(1, 0, 0, 5)).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.NotNull(client);
    }

    [Fact]
    public async Task An_artifact_is_verified_replaced_and_read()
    {
        var (client, run) = await RunAsync();
        await UploadAsync(client, run, "model/best.onnx", "weights");
        var commit = new CommitArtifactRequest(
            "model/best.onnx", 7, Blobs.Sha256("weights"), ArtifactKind.Model, 12, new Dictionary<string, double> { ["accuracy"] = 0.97 }, 1);
        var artifact = await client.PostAsync<Artifact>($"/v1/runs/{run.Id}/artifacts", commit);
        Assert.Equal((ArtifactKind.Model, 12L, 0.97), (artifact.Kind, artifact.Step, artifact.Metrics!["accuracy"]));
        await client.PostAsync<Artifact>($"/v1/runs/{run.Id}/artifacts", commit);
        var read = await client.GetAsync<Artifact>($"/v1/runs/{run.Id}/artifacts/model/best.onnx");
        Assert.Equal("weights", await Blobs.ReadAsync(read.DownloadUrl!));

        await UploadAsync(client, run, "model/best.onnx", "better!");
        await client.PostAsync<Artifact>($"/v1/runs/{run.Id}/artifacts", commit with { Sha256 = Blobs.Sha256("better!") });
        Assert.Equal("better!", await Blobs.ReadAsync((await client.GetAsync<Artifact>($"/v1/runs/{run.Id}/artifacts/model/best.onnx")).DownloadUrl!));
        Assert.Equal("weights", await Blobs.ReadAsync(read.DownloadUrl!));
        Assert.Single((await client.GetAsync<Page<Artifact>>($"/v1/runs/{run.Id}/artifacts?kind=model")).Items);
        Assert.Empty((await client.GetAsync<Page<Artifact>>($"/v1/runs/{run.Id}/artifacts?kind=checkpoint")).Items);
    }

    [Theory]
    [InlineData("100%.png", "100%.png")]
    [InlineData("a:b", "a:b")]
    [InlineData("folder/dot.", "folder/dot.")]
    [InlineData("what?#&.txt", "what?#&.txt")]
    [InlineData("e\u0301te\u0301.txt", "\u00e9t\u00e9.txt")]
    [InlineData("数据 (1).csv", "数据 (1).csv")]
    public async Task An_artifact_of_any_name_is_stored_found_and_downloaded_under_it(string path, string kept)
    {
        var (client, run) = await RunAsync();
        await UploadAsync(client, run, path, "content");
        var stored = await client.PostAsync<Artifact>($"/v1/runs/{run.Id}/artifacts", new CommitArtifactRequest(path, 7, Blobs.Sha256("content")));
        Assert.Equal(kept, stored.Path);
        foreach (var name in (string[])[path, kept])
        {
            var read = await client.GetAsync<Artifact>($"/v1/runs/{run.Id}/artifacts/{string.Join('/', name.Split('/').Select(Uri.EscapeDataString))}");
            using var http = new HttpClient();
            using var response = await http.GetAsync(read.DownloadUrl);
            Assert.Equal("content", await response.Content.ReadAsStringAsync());
            Assert.Equal(kept.Split('/')[^1], response.Content.Headers.ContentDisposition?.FileNameStar);
        }
    }

    [Fact]
    public async Task An_artifact_that_is_missing_differs_or_escapes_is_refused()
    {
        var (client, run) = await RunAsync();
        var commit = new CommitArtifactRequest("a.bin", 5, Blobs.Sha256("right"));
        await client.PostJsonAsync($"/v1/runs/{run.Id}/artifacts", commit).ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.ContentMismatch);
        var upload = await client.PostAsync<ArtifactUpload>($"/v1/runs/{run.Id}/artifacts/uploads", new ArtifactUploadRequest("a.bin", 5, Blobs.Sha256("right")));
        await Blobs.UploadAsync(upload.Url, upload.Headers, "wrong");
        await client.PostJsonAsync($"/v1/runs/{run.Id}/artifacts", commit).ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.ContentMismatch);
        await client.PostJsonAsync($"/v1/runs/{run.Id}/artifacts/uploads", new ArtifactUploadRequest("../a.bin", 5, Blobs.Sha256("right")))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await client.PostJsonAsync($"/v1/runs/{run.Id}/artifacts", commit with { Path = "x/%2e%2e/a" }).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await client.GetAsync($"/v1/runs/{run.Id}/artifacts/a.bin").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task Experiments_have_unique_names_and_soft_deletion()
    {
        var user = await functions.CreateUserAsync();
        var root = $"/v1/projects/{(await functions.CreateProjectAsync(user.Client)).Id}/experiments";
        var experiment = await user.Client.PostAsync<Experiment>(root, new CreateExperimentRequest("base", "first"));
        await user.Client.PostJsonAsync(root, new CreateExperimentRequest("BASE")).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
        Assert.Equal(experiment, await user.Client.GetAsync<Experiment>($"{root}/base"));
        Assert.Equal(experiment, Assert.Single((await user.Client.GetAsync<Page<Experiment>>(root)).Items));
        await user.Client.DeleteAsync($"{root}/base");
        await user.Client.GetAsync($"{root}/base").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        var taken = await user.Client.PostAsync<Experiment>(root, new CreateExperimentRequest("base"));
        await user.Client.PostJsonAsync($"{root}/{experiment.Id}/restore", new { }).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
        await user.Client.DeleteAsync($"{root}/{taken.Id}");
        Assert.Equal(experiment, await user.Client.PostAsync<Experiment>($"{root}/{experiment.Id}/restore", new { }));
    }

    private async Task<(HttpClient Client, Run Run)> RunAsync(CreateRunRequest? request = null)
    {
        var user = await functions.CreateUserAsync();
        return (user.Client, await CreateRunAsync(user.Client, request ?? new CreateRunRequest()));
    }

    private async Task<Run> CreateRunAsync(HttpClient client, CreateRunRequest request)
    {
        var project = await functions.CreateProjectAsync(client);
        await client.PostAsync<Experiment>($"/v1/projects/{project.Id}/experiments", new CreateExperimentRequest("exp"));
        return await client.PostAsync<Run>($"/v1/projects/{project.Id}/experiments/exp/runs", request);
    }

    private static LogParamsRequest Params(params (string Key, string Value)[] entries) => new(entries.ToDictionary(entry => entry.Key, entry => entry.Value));

    private static LogMetricsRequest Batch(int attempt, long firstStep, long sequence, params double[] values)
        => new(attempt, "0-0", sequence, [.. values.Select((value, i) => new MetricPoint("loss", firstStep + i, value, Start.AddSeconds(firstStep + i)))]);

    private static Task<LogMetricsResponse> LogAsync(HttpClient client, Run run, int attempt, long first, params double[] values)
        => client.PostAsync<LogMetricsResponse>($"/v1/runs/{run.Id}/metrics", Batch(attempt, first, first, values));

    private static Task<LogMetricsResponse> LogFromAsync(HttpClient client, Run run, int attempt, long firstStep, int sequence, params double[] values)
        => client.PostAsync<LogMetricsResponse>($"/v1/runs/{run.Id}/metrics", Batch(attempt, firstStep, sequence, values));

    private static async Task ResumeAsync(HttpClient client, Run run, int attempt, long step)
        => Assert.Equal(HttpStatusCode.NoContent, (await client.PostJsonAsync($"/v1/runs/{run.Id}/attempts/{attempt}/resume", new ResumeRequest(step))).StatusCode);

    private static async Task<IReadOnlyList<MetricPoint>> PointsAsync(HttpClient client, Run run, string more = "")
        => (await client.GetAsync<Page<MetricPoint>>($"/v1/runs/{run.Id}/metrics?key=loss&pageSize=500{more}")).Items;

    private static async Task UploadAsync(HttpClient client, Run run, string path, string content)
    {
        var upload = await client.PostAsync<ArtifactUpload>($"/v1/runs/{run.Id}/artifacts/uploads", new ArtifactUploadRequest(path, content.Length, Blobs.Sha256(content)));
        await Blobs.UploadAsync(upload.Url, upload.Headers, content);
    }
}
