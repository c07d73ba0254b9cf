using System.Globalization;
using System.Net;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.IntegrationTests.Servers;
using Parquet;
using Parquet.Schema;

namespace AiPlatform.IntegrationTests.Functions.Tracking;

[Collection(TrackingCollection.Name)]
public abstract class ExportTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : ExportTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : ExportTests(functions), IClassFixture<HostedFunctionsFixture>;

    private static readonly DateTimeOffset Start = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Runs_are_a_table_with_a_column_per_parameter_tag_and_metric_in_both_forms()
    {
        var (client, project, runs) = await RunsAsync(3);
        var csv = (await client.GetStringAsync($"/v1/projects/{project}/runs/export?experiment=exp")).TrimEnd('\n').Split('\n');
        Assert.Equal("run_id,experiment_id,name,status,job_id,created_at,started_at,ended_at,params.lr,params.odd,tags.say,metrics.loss,metrics.nan", csv[0]);
        Assert.Equal(4, csv.Length);
        Assert.StartsWith(runs[2].Id, csv[1], StringComparison.Ordinal);
        Assert.EndsWith(",0.1,,\"x, \"\"y\"\"\",0,NaN", csv[3], StringComparison.Ordinal);
        Assert.EndsWith(",0.1,1,\"x, \"\"y\"\"\",1,NaN", csv[2], StringComparison.Ordinal);

        using var response = await client.GetAsync($"/v1/projects/{project}/runs/export?format=parquet");
        Assert.Equal("application/vnd.apache.parquet", response.Content.Headers.ContentType?.MediaType);
        using var file = new MemoryStream();
        var sdk = new AiPlatformClient(client, new FixedTokenSource(client.DefaultRequestHeaders.Authorization!.Parameter), maxAttempts: 1);
        await sdk.ExportRunsAsync(project, "exp", ExportFormat.Parquet, file, default);
        await using var reader = await ParquetReader.CreateAsync(file);
        Assert.Equal(csv[0], string.Join(',', reader.Schema.DataFields.Select(field => field.Name)));
        using var group = reader.OpenRowGroupReader(0);
        var odd = new string?[3];
        await group.ReadAsync(Field(reader, "params.odd"), odd);
        Assert.Equal([string.Empty, "1", string.Empty], odd.Select(value => value ?? string.Empty));
        var loss = new double?[3];
        await group.ReadAsync<double>(Field(reader, "metrics.loss"), loss);
        Assert.Equal([2, 1, 0], loss);
        await client.GetAsync($"/v1/projects/{project}/runs/export?format=xml").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Texts_that_spreadsheets_take_for_formulas_are_neutralised_unless_asked_otherwise()
    {
        var client = (await functions.CreateUserAsync()).Client;
        var project = (await functions.CreateProjectAsync(client)).Id;
        await client.PostAsync<Experiment>($"/v1/projects/{project}/experiments", new CreateExperimentRequest("exp"));
        const string Link = "=HYPERLINK(\"http://evil.example\",\"x\")";
        await client.PostAsync<Run>(
            $"/v1/projects/{project}/experiments/exp/runs",
            new CreateRunRequest("@SUM(1)", new Dictionary<string, string> { ["+a"] = "-1e-3", ["b"] = "-cmd|' /C calc'!A0", ["c"] = "\tx" }, new Dictionary<string, string> { ["say"] = Link }));
        var safe = await client.GetStringAsync($"/v1/projects/{project}/runs/export");
        Assert.Contains(",'@SUM(1),", safe, StringComparison.Ordinal);
        Assert.Contains("\"'=HYPERLINK(\"\"http", safe, StringComparison.Ordinal);
        Assert.Contains(",-1e-3,'-cmd|' /C calc'!A0,\"'\tx\",", safe, StringComparison.Ordinal);
        var kept = await client.GetStringAsync($"/v1/projects/{project}/runs/export?keepFormulas=true");
        Assert.Contains(",@SUM(1),", kept, StringComparison.Ordinal);
        Assert.Contains("\"=HYPERLINK(\"\"http", kept, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Points_of_many_runs_are_exported_exactly_and_in_several_row_groups()
    {
        var (client, project, runs) = await RunsAsync(2);
        const int Count = 60_000;
        for (var first = 0; first < Count; first += 1_000)
        {
            await client.PostAsync<LogMetricsResponse>(
                $"/v1/runs/{runs[0].Id}/metrics",
                new LogMetricsRequest(1, "1-0", first, [.. Enumerable.Range(first, 1_000).Select(i => new MetricPoint("acc", i, i * 0.1, Start.AddMilliseconds(i)))]));
        }

        using var file = new MemoryStream();
        var sdk = new AiPlatformClient(client, new FixedTokenSource(client.DefaultRequestHeaders.Authorization!.Parameter), maxAttempts: 1);
        await sdk.ExportMetricsAsync(project, new ExportMetricsRequest([runs[0].Id, runs[1].Id, "nothing"], ["acc", "loss"]), file, default);
        await using var reader = await ParquetReader.CreateAsync(file);
        Assert.True(reader.RowGroupCount > 1, $"{reader.RowGroupCount} row groups");
        var values = new List<double>();
        var times = new List<DateTime>();
        for (var i = 0; i < reader.RowGroupCount; i++)
        {
            using var group = reader.OpenRowGroupReader(i);
            var part = new double[group.RowCount];
            await group.ReadAsync<double>(Field(reader, "value"), part);
            values.AddRange(part);
            var at = new DateTime[group.RowCount];
            await group.ReadAsync<DateTime>(Field(reader, "timestamp"), at);
            times.AddRange(at);
        }

        Assert.Equal(Enumerable.Range(0, Count).Select(i => i * 0.1), values.Take(Count));
        Assert.Equal(Enumerable.Range(0, Count).Select(i => Start.UtcDateTime.AddMilliseconds(i)), times.Take(Count));
        Assert.Equal([0d, 1d], values.Skip(Count));

        var csv = (await client.GetStringAsync($"/v1/runs/{runs[0].Id}/metrics/export?key=loss")).TrimEnd('\n').Split('\n');
        Assert.Equal(["run_id,key,step,timestamp,value,attempt", string.Create(CultureInfo.InvariantCulture, $"{runs[0].Id},loss,3,{Start:yyyy-MM-ddTHH:mm:ss.ffffffZ},0,1")], csv);
        Assert.Equal(Count + 3, (await client.GetStringAsync($"/v1/runs/{runs[0].Id}/metrics/export")).TrimEnd('\n').Split('\n').Length);
        await client.PostJsonAsync($"/v1/projects/{project}/metrics/export", new ExportMetricsRequest([])).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    private static DataField Field(ParquetReader reader, string name) => reader.Schema.DataFields.Single(field => field.Name == name);

    private async Task<(HttpClient Client, string Project, IReadOnlyList<Run> Runs)> RunsAsync(int count)
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        await user.Client.PostAsync<Experiment>($"/v1/projects/{project.Id}/experiments", new CreateExperimentRequest("exp"));
        var runs = new List<Run>();
        for (var i = 0; i < count; i++)
        {
            var parameters = new Dictionary<string, string> { ["lr"] = "0.1" };
            if (i % 2 == 1)
            {
                parameters["odd"] = "1";
            }

            var run = await user.Client.PostAsync<Run>(
                $"/v1/projects/{project.Id}/experiments/exp/runs", new CreateRunRequest($"r{i}", parameters, new Dictionary<string, string> { ["say"] = "x, \"y\"" }));
            await user.Client.PostAsync<LogMetricsResponse>(
                $"/v1/runs/{run.Id}/metrics", new LogMetricsRequest(1, "0-0", 0, [new MetricPoint("loss", 3, i, Start), new MetricPoint("nan", 3, double.NaN, Start)]));
            runs.Add(run);
        }

        return (user.Client, project.Id, runs);
    }
}
