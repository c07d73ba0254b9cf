using System.Net;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Tracking;

[Collection(TrackingCollection.Name)]
public sealed class RunWorkbenchTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Attempts_are_segments_of_one_run_before_and_after_compaction()
    {
        var (client, run) = await RunAsync();
        Assert.Null(run.Attempts);
        await LogAsync(client, run, 1, "0-0", 0, 100, 0);
        await client.ResumeAttemptAsync(run.Id, 2, new ResumeRequest(49), default);
        await LogAsync(client, run, 2, "0-0", 50, 150, 0);
        await LogAsync(client, run, 2, "0-1", 50, 52, 5);

        // Readings of the machine are no steps of the training, and no attempt supersedes them.
        await client.LogMetricsAsync(run.Id, new LogMetricsRequest(1, "system-0", 0, [new MetricPoint("system/0/cpu_utilization_percentage", 1_780_000_000, 12, Start)]), default);
        await client.LogMetricsAsync(run.Id, new LogMetricsRequest(3, "system-0", 0, [new MetricPoint("system/0/cpu_utilization_percentage", 1_780_000_010, 15, Start)]), default);
        Assert.Equal(2, (await client.ListMetricPointsAsync(run.Id, "system/0/cpu_utilization_percentage", null, null, default)).Items.Count);
        Assert.Equal(2, (await client.GetRunAsync(run.Id, default)).Metrics.Single(metric => metric.Key.StartsWith("system/", StringComparison.Ordinal)).Count);

        RunAttempt[] expected =
        [
            new(1, null, null, null, null, null, 0, 99, 49, 100, true),
            new(2, null, null, null, null, 49, 50, 149, null, 102, false),
            new(3, null, null, null, null, null, null, null, null, 0, true),
        ];
        Assert.Equal(expected, await client.ListRunAttemptsAsync(run.Id, default));
        await functions.App.Services.GetRequiredService<MetricSummaries>().EnsureAsync([run.Id], CancellationToken.None);
        await Eventually.TrueAsync(
            async () => !await functions.App.Services.GetRequiredService<MetricCompaction>().CompactAsync(run.Id, CancellationToken.None), "the log is compacted");
        Assert.Equal(expected, (await client.GetRunAsync(run.Id, default)).Attempts);
    }

    [Fact]
    public async Task Curves_are_aligned_by_step_time_or_time_since_the_run_began_and_zoomed()
    {
        var (client, run) = await RunAsync();
        var other = await client.CreateRunAsync(run.ProjectId, "exp", new CreateRunRequest(), default);
        await LogAsync(client, run, 1, "0-0", 0, 100, 0);
        await LogAsync(client, other, 1, "0-0", 60, 120, 0);
        var aligned = await client.CompareMetricsAsync(run.ProjectId, new CompareMetricsRequest([run.Id, other.Id], ["loss"], 16, Align: true), default);
        Assert.Equal(8, aligned.BucketWidth);
        Assert.Equal([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [7, 8, 9, 10, 11, 12, 13, 14]], aligned.Series.OrderByDescending(series => series.Buckets.Count).Select(series => series.Buckets.Select(bucket => bucket.Index!.Value)));
        Assert.Equal(160, aligned.Series.Sum(series => series.Buckets.Sum(bucket => bucket.Count)));

        var began = (run.StartedAt!.Value - DateTimeOffset.UnixEpoch).TotalSeconds;
        var zoomed = (await client.CompareMetricsAsync(
            run.ProjectId, new CompareMetricsRequest([run.Id], ["loss"], 10, 3, SmoothingKind.MovingAverage, MetricAxis.Time, Seconds(40), Seconds(59)), default)).Series.Single().Buckets;
        Assert.Equal((20, Seconds(40), Seconds(59), 40d, 59d), (zoomed.Sum(bucket => bucket.Count), zoomed[0].FirstX!.Value, zoomed[^1].LastX!.Value, zoomed[0].Min, zoomed[^1].Max));
        Assert.Equal((58 + 59) / 2d, zoomed[^1].Smoothed);
        using var http = functions.Client(await TokenAsync(client));
        var relative = await client.GetMetricSeriesAsync(run.Id, "loss", new MetricSeriesQuery(5, 1.5, SmoothingKind.Gaussian, MetricAxis.RelativeTime, -1e12, 1e12), default);
        Assert.All(relative.Buckets, bucket => Assert.NotNull(bucket.Smoothed));
        Assert.Equal(Seconds(0) - began, relative.Buckets[0].FirstX!.Value, 1e-3);
        Assert.Equal(99, relative.Buckets[^1].Max);
        await http.GetAsync($"/v1/runs/{run.Id}/metrics/series?key=loss&axis=epoch").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await http.GetAsync($"/v1/runs/{run.Id}/metrics/series?key=loss&smoothing=0&smoothingKind=movingAverage").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await http.PostJsonAsync($"/v1/projects/{run.ProjectId}/metrics/compare", new CompareMetricsRequest([.. Enumerable.Range(0, 201).Select(i => $"{i}")], ["a"], 10_000))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Runs_side_by_side_show_what_differs()
    {
        var (client, run) = await RunAsync(new CreateRunRequest("a", new Dictionary<string, string> { ["lr"] = "0.1", ["seed"] = "7" }, new Dictionary<string, string> { ["team"] = "x" }));
        var other = await client.CreateRunAsync(
            run.ProjectId, "exp", new CreateRunRequest("b", new Dictionary<string, string> { ["lr"] = "0.2", ["seed"] = "7", ["extra"] = "1" }, new Dictionary<string, string> { ["team"] = "x" }), default);
        await LogAsync(client, run, 1, "0-0", 0, 4, 0);
        var all = await client.CompareRunsAsync(run.ProjectId, new CompareRunsRequest([other.Id, run.Id, other.Id, "nothing"]), default);
        Assert.Equal(["b", "a"], all.Runs.Select(heading => heading.Name));
        Assert.Equal([("extra", true, "1,"), ("lr", true, "0.2,0.1"), ("seed", false, "7,7")], all.Params.Select(row => (row.Key, row.Differs, string.Join(',', row.Values))));
        Assert.Equal(("team", false), (all.Tags.Single().Key, all.Tags.Single().Differs));
        var metric = Assert.Single(all.Metrics);
        Assert.Equal<double?>([null, 3], metric.Last);
        Assert.Equal<double?>([null, 0], metric.Min);
        var different = await client.CompareRunsAsync(run.ProjectId, new CompareRunsRequest([other.Id, run.Id], OnlyDifferent: true), default);
        Assert.Equal((2, 0, 1, false), (different.Params.Count, different.Tags.Count, different.Metrics.Count, different.Truncated));
    }

    [Fact]
    public async Task Notes_keep_every_version_and_are_the_notes_of_mlflow_clients()
    {
        var (client, run) = await RunAsync(new CreateRunRequest(Tags: new Dictionary<string, string> { ["mlflow.note.content"] = "from outside" }));
        Assert.Equal(new RunNote("from outside", 0, null, null, null), await client.GetRunNotesAsync(run.Id, default));
        await using var events = await EventReader.OpenAsync(functions.Client(await TokenAsync(client)), $"run:{run.Id}");
        var first = await client.WriteRunNotesAsync(run.Id, new WriteNoteRequest("# One"), 0, default);
        Assert.Equal(("run.notes", 1), (await events.NextAsync() is var (kind, data) ? (kind, data.GetProperty("data").GetProperty("version").GetInt32()) : default));
        var long9000 = new string('x', 9_000);
        await client.WriteRunNotesAsync(run.Id, new WriteNoteRequest(long9000), first.Version, default);
        var conflict = await Assert.ThrowsAsync<Client.ApiException>(() => client.WriteRunNotesAsync(run.Id, new WriteNoteRequest("late"), 1, default));
        Assert.Equal(ErrorCodes.PreconditionFailed, conflict.Code);
        var current = await client.GetRunNotesAsync(run.Id, default);
        Assert.Equal((long9000, 2L), (current.Text, current.Version));
        Assert.NotNull(current.AuthorName);
        Assert.Equal(8_000, (await client.GetRunAsync(run.Id, default)).Tags["mlflow.note.content"].Length);
        var page = await client.ListRunNotesAsync(run.Id, 1, null, default);
        Assert.Equal("# One", (await client.ListRunNotesAsync(run.Id, 1, page.NextPageToken, default)).Items.Single().Text);

        await client.SetTagsAsync(run.Id, new SetTagsRequest(new Dictionary<string, string> { ["mlflow.note.content"] = "outside again" }), default);
        Assert.Equal(("outside again", 2L), (await client.GetRunNotesAsync(run.Id, default)) is var note ? (note.Text, note.Version) : default);
        var tooLong = await Assert.ThrowsAsync<Client.ApiException>(() => client.WriteRunNotesAsync(run.Id, new WriteNoteRequest(new string('x', 100_001)), null, default));
        Assert.Equal(ErrorCodes.InvalidRequest, tooLong.Code);
    }

    [Fact]
    public async Task Views_are_private_until_they_are_shared_and_changed_only_by_their_author()
    {
        var (client, run) = await RunAsync();
        var administrator = Client((await functions.AdministratorAsync()).AccessToken);
        var settings = new RunViewSettings(["params.lr", "metrics.loss"], "metrics.loss < 1 AND params.lr = '0.1'", ["metrics.loss DESC"], [new RunViewChart(["loss"], "Loss", MetricAxis.RelativeTime, 0.6)]);
        var view = await client.CreateRunViewAsync(run.ProjectId, new CreateRunViewRequest("mine", settings, Experiment: "exp"), default);
        Assert.Equal(("metrics.loss DESC", 0.6, run.ExperimentId), (view.Settings.OrderBy![0], view.Settings.Charts![0].Smoothing, view.ExperimentId));
        Assert.Empty((await administrator.ListRunViewsAsync(run.ProjectId, null, null, default)).Items);
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<Client.ApiException>(() => administrator.GetRunViewAsync(run.ProjectId, view.Id, default))).Code);
        Assert.Equal(ErrorCodes.AlreadyExists, (await Assert.ThrowsAsync<Client.ApiException>(() => client.CreateRunViewAsync(run.ProjectId, new CreateRunViewRequest("Mine", settings), default))).Code);

        var shared = await client.UpdateRunViewAsync(run.ProjectId, view.Id, new UpdateRunViewRequest(Shared: true), view.Version, default);
        Assert.Equal(view.Id, Assert.Single((await administrator.ListRunViewsAsync(run.ProjectId, null, null, default)).Items).Id);
        Assert.Equal(
            ErrorCodes.PreconditionFailed,
            (await Assert.ThrowsAsync<Client.ApiException>(() => client.UpdateRunViewAsync(run.ProjectId, view.Id, new UpdateRunViewRequest("late"), view.Version, default))).Code);
        var others = await administrator.CreateRunViewAsync(run.ProjectId, new CreateRunViewRequest("mine", new RunViewSettings(), Shared: true), default);
        Assert.Equal(ErrorCodes.Forbidden, (await Assert.ThrowsAsync<Client.ApiException>(() => client.DeleteRunViewAsync(run.ProjectId, others.Id, default))).Code);
        Assert.Equal(2, (await client.ListRunViewsAsync(run.ProjectId, null, null, default)).Items.Count);
        await client.DeleteRunViewAsync(run.ProjectId, shared.Id, default);
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<Client.ApiException>(() => client.GetRunViewAsync(run.ProjectId, view.Id, default))).Code);

        foreach (var wrong in new[] { new RunViewSettings(Filter: "metrics.loss <"), new RunViewSettings(OrderBy: ["nothing.at all"]), new RunViewSettings(Charts: [new RunViewChart([])]) })
        {
            Assert.Equal(
                ErrorCodes.InvalidRequest,
                (await Assert.ThrowsAsync<Client.ApiException>(() => client.CreateRunViewAsync(run.ProjectId, new CreateRunViewRequest("wrong", wrong), default))).Code);
        }
    }

    [Fact]
    public async Task A_view_and_a_search_find_the_same_runs_in_the_same_order_page_by_page()
    {
        var (client, first) = await RunAsync(new CreateRunRequest("r0", new Dictionary<string, string> { ["lr"] = "0.1" }));
        var runs = new List<Run> { first };
        for (var i = 1; i < 5; i++)
        {
            runs.Add(await client.CreateRunAsync(first.ProjectId, "exp", new CreateRunRequest($"r{i}", new Dictionary<string, string> { ["lr"] = i == 4 ? "0.2" : "0.1" }), default));
        }

        foreach (var (i, run) in runs.Index())
        {
            await client.LogMetricsAsync(run.Id, new LogMetricsRequest(1, "0-0", 0, [new MetricPoint("loss", 1, i % 3, Start)]), default);
        }

        // Values 0 1 2 0 1; r4 has another parameter.
        var settings = new RunViewSettings(Filter: "params.lr = '0.1' AND metrics.loss < 2", OrderBy: ["metrics.loss DESC", "attributes.run_name"]);
        var view = await client.CreateRunViewAsync(first.ProjectId, new CreateRunViewRequest("good", settings), default);
        Assert.Equal(["r1", "r0", "r3"], (await client.ListRunsOfViewAsync(first.ProjectId, view.Id, null, null, default)).Items.Select(run => run.Name));
        var names = new List<string>();
        string? token = null;
        do
        {
            var page = await client.SearchRunsAsync(first.ProjectId, new SearchRunsRequest(["exp"], settings.Filter, settings.OrderBy, 2, token), default);
            names.AddRange(page.Items.Select(run => run.Name));
            token = page.NextPageToken;
        }
        while (token is not null);
        Assert.Equal(["r1", "r0", "r3"], names);
        Assert.Equal(ErrorCodes.InvalidRequest, (await Assert.ThrowsAsync<Client.ApiException>(() => client.SearchRunsAsync(first.ProjectId, new SearchRunsRequest(Filter: "loss <"), default))).Code);
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<Client.ApiException>(() => client.SearchRunsAsync(first.ProjectId, new SearchRunsRequest(["nothing"]), default))).Code);
    }

    private static double Seconds(int second) => (Start.AddSeconds(second) - DateTimeOffset.UnixEpoch).TotalSeconds;

    private static Task<LogMetricsResponse> LogAsync(AiPlatformClient client, Run run, int attempt, string source, int first, int end, long sequence)
        => client.LogMetricsAsync(
            run.Id, new LogMetricsRequest(attempt, source, sequence, [.. Enumerable.Range(first, end - first).Select(i => new MetricPoint("loss", i, i, Start.AddSeconds(i)))]), default);

    private readonly Dictionary<AiPlatformClient, string> _tokens = [];

    private Task<string> TokenAsync(AiPlatformClient client) => Task.FromResult(_tokens[client]);

    private AiPlatformClient Client(string token)
    {
        var client = new AiPlatformClient(functions.Client(null), new FixedTokenSource(token), maxAttempts: 1);
        _tokens[client] = token;
        return client;
    }

    private async Task<(AiPlatformClient Client, Run Run)> RunAsync(CreateRunRequest? request = null)
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var client = Client(user.AccessToken);
        await client.CreateExperimentAsync(project.Id, new CreateExperimentRequest("exp"), default);
        return (client, await client.CreateRunAsync(project.Id, "exp", request ?? new CreateRunRequest(), default));
    }
}
