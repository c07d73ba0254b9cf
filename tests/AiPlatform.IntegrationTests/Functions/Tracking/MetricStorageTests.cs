using System.Reflection;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Functions;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Metrics;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Tracking;

[Collection(TrackingCollection.Name)]
public sealed class MetricStorageTests(FunctionsFixture functions, PostgresFixture postgres) : IClassFixture<FunctionsFixture>
{
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Compaction_changes_no_answer_and_late_points_find_their_place()
    {
        var user = await functions.CreateUserAsync();
        var run = await RunAsync(user.Client);
        for (var first = 0; first < 3_000; first += 1_000)
        {
            await LogAsync(user.Client, run, first, [.. Enumerable.Range(first, 1_000).Select(i => new MetricPoint("loss", i, i * 0.5, Start.AddSeconds(i)))]);
        }

        await LogAsync(user.Client, run, 3_000, [new MetricPoint("rare", 7, 1, Start), new MetricPoint("loss", 10, -1, Start)]);
        var before = await AllAsync(user.Client, run, "loss");
        Assert.Equal(3_001, before.Count);
        await CompactAsync(run);
        Assert.Equal(before, await AllAsync(user.Client, run, "loss"));
        Assert.Single(await AllAsync(user.Client, run, "rare"));

        await LogAsync(user.Client, run, 3_002, [new MetricPoint("loss", 1_500, -2, Start)]);
        await CompactAsync(run);
        var after = await AllAsync(user.Client, run, "loss");
        Assert.Equal([.. before.Append(new MetricPoint("loss", 1_500, -2, Start) { Attempt = 1 }).OrderBy(point => point.Step).ThenBy(point => point.Timestamp)], after);
        var summary = (await user.Client.GetAsync<Run>($"/v1/runs/{run.Id}")).Metrics.Single(metric => metric.Key == "loss");
        Assert.Equal((-2d, 1_499.5, 2_999L, 3_002L), (summary.Min, summary.Max, summary.LastStep, summary.Count));

        var curve = await user.Client.GetAsync<MetricSeries>($"/v1/runs/{run.Id}/metrics/series?key=loss&buckets=3&smoothing=0.5");
        Assert.Equal((3, 3_002, -2d, 1_499.5), (curve.Buckets.Count, curve.Buckets.Sum(bucket => bucket.Count), curve.Buckets.Min(bucket => bucket.Min), curve.Buckets.Max(bucket => bucket.Max)));
        var comparison = await user.Client.PostAsync<MetricComparison>($"/v1/projects/{run.ProjectId}/metrics/compare", new CompareMetricsRequest([run.Id, "nothing"], ["loss", "rare"], 10));
        Assert.Equal([("loss", 10), ("rare", 1)], comparison.Series.Select(series => (series.Key, series.Buckets.Count)));
        var part = await user.Client.GetAsync<MetricSeries>($"/v1/runs/{run.Id}/metrics/series?key=loss&buckets=3&fromStep=1400&to=1600.5");
        Assert.Equal((1_400L, 1_600L, 202, -2d), (part.Buckets[0].FirstStep, part.Buckets[^1].LastStep, part.Buckets.Sum(bucket => bucket.Count), part.Buckets.Min(bucket => bucket.Min)));
        var beyond = await user.Client.PostAsync<MetricComparison>($"/v1/projects/{run.ProjectId}/metrics/compare", new CompareMetricsRequest([run.Id], ["loss", "rare"], 10) { From = 5_000 });
        Assert.Equal([("loss", 0), ("rare", 0)], beyond.Series.Select(series => (series.Key, series.Buckets.Count)));
        Assert.Equal(3_003, (await user.Client.GetStringAsync($"/v1/runs/{run.Id}/metrics/export?key=loss")).TrimEnd('\n').Split('\n').Length);

        await user.Client.PostJsonAsync($"/v1/runs/{run.Id}/attempts/2/resume", new ResumeRequest(99));
        Assert.Equal(101, (await AllAsync(user.Client, run, "loss")).Count);
        Assert.Equal(101, (await user.Client.GetAsync<Run>($"/v1/runs/{run.Id}")).Metrics.Single(metric => metric.Key == "loss").Count);
        await using var connection = new NpgsqlConnection(functions.Postgres);
        Assert.InRange(await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM metric_chunks WHERE run_id = @Id AND key = 'loss'", run), 4, 5);
    }

    [Fact]
    public async Task Points_written_while_two_instances_compact_are_all_there_once()
    {
        var user = await functions.CreateUserAsync();
        var run = await RunAsync(user.Client);
        await using var another = await functions.StartAnotherAsync();
        using var stop = new CancellationTokenSource();
        var compacting = Task.WhenAll(new[] { functions.App, another }.Select(async instance =>
        {
            while (!stop.IsCancellationRequested)
            {
                await instance.Services.GetRequiredService<MetricCompaction>().CompactAsync(run.Id, CancellationToken.None);
            }
        }));
        for (var batch = 0; batch < 40; batch++)
        {
            await LogAsync(user.Client, run, batch * 50, [.. Enumerable.Range(batch * 50, 50).Select(i => new MetricPoint("loss", i, i, Start))]);
            Assert.Equal((batch + 1) * 50, (await AllAsync(user.Client, run, "loss")).Count);
        }

        await stop.CancelAsync();
        await compacting;
        Assert.Equal(Enumerable.Range(0, 2_000).Select(i => (double)i), (await AllAsync(user.Client, run, "loss")).Select(point => point.Value));
        Assert.Equal(2_000, (await user.Client.GetAsync<Run>($"/v1/runs/{run.Id}")).Metrics.Single().Count);
    }

    [Fact]
    public async Task Points_of_the_former_table_are_migrated_with_what_their_sources_sent()
    {
        var connectionString = await postgres.CreateDatabaseAsync("migration");
        var scripts = Areas.All.Select(static area => area.GetType().Assembly).Append(typeof(IArea).Assembly)
            .SelectMany(static assembly => assembly.GetManifestResourceNames().Where(static name => name.EndsWith(".sql", StringComparison.Ordinal)).Select(name => (Assembly: assembly, Name: name)))
            .OrderBy(static script => script.Name, StringComparer.Ordinal).ToList();
        var storage = scripts.FindIndex(static script => script.Name.Contains("0060_", StringComparison.Ordinal));
        await using var connection = new NpgsqlConnection(connectionString);
        foreach (var script in scripts[..storage])
        {
            await connection.ExecuteAsync(Script(script));
        }

        await connection.ExecuteAsync(
            """
            INSERT INTO metric_points SELECT 'run', 1, '0-0', n, CASE WHEN n % 2 = 0 THEN 'loss' ELSE 'größe' END, n, n * 0.25, '2026-05-01Z'::timestamptz + n * interval '1 second', false
            FROM generate_series(0, 2999) n WHERE n <> 1500;
            INSERT INTO metric_sources VALUES ('run', 1, '0-0', 2999, 1500, 2999)
            """);
        await connection.ExecuteAsync(Script(scripts[storage]));
        await using var database = new Database(connectionString);
        var reader = new MetricReader(database);
        var series = await reader.ReadAsync(["run"], ["loss", "größe"], allAttempts: false, CancellationToken.None);
        Assert.Equal(
            Enumerable.Range(0, 1_500).Select(i => i * 2).Where(i => i != 1_500).Select(i => new StoredPoint(i, MetricRow.Microseconds(Start.AddHours(-12).AddSeconds(i)), i * 0.25, MetricLane.Of(1, numbered: true))),
            series[("run", "loss")]);
        Assert.Equal(1_500, series[("run", "größe")].Count);
        var source = Assert.Single((await reader.CompletenessAsync("run", CancellationToken.None)).Sources);
        Assert.Equal((2_999L, 1_500L), (source.Count, source.NextSequence));
        Assert.Equal([[1_500, 1_500]], source.Gaps);
    }

    private static string Script((Assembly Assembly, string Name) script)
    {
        using var reader = new StreamReader(script.Assembly.GetManifestResourceStream(script.Name)!);
        return reader.ReadToEnd();
    }

    private async Task<Run> RunAsync(HttpClient client)
    {
        var project = await functions.CreateProjectAsync(client);
        await client.PostAsync<Experiment>($"/v1/projects/{project.Id}/experiments", new CreateExperimentRequest("exp"));
        return await client.PostAsync<Run>($"/v1/projects/{project.Id}/experiments/exp/runs", new CreateRunRequest());
    }

    // Skips while the run is being folded, as the loop does, which comes again. "rare" stays as the one row of the log.
    private async Task CompactAsync(Run run)
    {
        await functions.App.Services.GetRequiredService<MetricSummaries>().EnsureAsync([run.Id], CancellationToken.None);
        await using var connection = new NpgsqlConnection(functions.Postgres);
        await Eventually.TrueAsync(
            async () =>
            {
                await functions.App.Services.GetRequiredService<MetricCompaction>().CompactAsync(run.Id, CancellationToken.None);
                return await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM metric_log WHERE run_id = @Id", run) == 1;
            },
            "the log is compacted");
    }

    private static Task<LogMetricsResponse> LogAsync(HttpClient client, Run run, long first, MetricPoint[] points)
        => client.PostAsync<LogMetricsResponse>($"/v1/runs/{run.Id}/metrics", new LogMetricsRequest(1, "0-0", first, points));

    private static async Task<List<MetricPoint>> AllAsync(HttpClient client, Run run, string key)
    {
        var points = new List<MetricPoint>();
        string? token = null;
        do
        {
            var page = await client.GetAsync<Page<MetricPoint>>($"/v1/runs/{run.Id}/metrics?key={key}&pageSize=450&pageToken={token}");
            points.AddRange(page.Items);
            token = page.NextPageToken;
        }
        while (token is not null);
        return points;
    }
}
