using System.Text.Json.Nodes;
using AiPlatform.Contracts.Experiments;
using AiPlatform.IntegrationTests.Servers;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

[Collection(TrackingCollection.Name)]
public sealed class SearchFreshnessTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task An_instance_finds_every_change_that_another_one_has_acknowledged()
    {
        var user = await functions.CreateUserAsync();
        await using var another = await functions.StartAnotherAsync();
        using var client = another.CreateClient(user.AccessToken);
        var (writer, reader) = (new MLflowClient(user.Client), new MLflowClient(client));
        var experiment = await writer.ExperimentAsync(functions.Name("fresh"));
        var runs = new List<string> { await writer.RunAsync(experiment), await writer.RunAsync(experiment) };
        await LoadAsync(reader, experiment);

        var run = runs[0];
        var step = 0;
        foreach (var change in new Func<Task>[]
        {
            () => writer.PostAsync("runs/log-batch", Batch(run, ++step, 3)),
            () => writer.PostAsync("runs/log-metric", new { run_id = run, key = "m1", value = 5, timestamp = 9, step = 100 }),
            () => writer.PostAsync("runs/log-metric", new { run_id = run, key = "m1", value = 4, timestamp = 9, step = 50 }),
            () => writer.PostAsync("runs/log-metric", new { run_id = run, key = "m2", value = "NaN", timestamp = 9, step = 1 }),
            () => writer.PostAsync("runs/log-parameter", new { run_id = run, key = "p", value = "1" }),
            () => writer.PostAsync("runs/set-tag", new { run_id = run, key = "t", value = "1" }),
            () => writer.PostAsync("runs/set-tag", new { run_id = run, key = "t", value = "2" }),
            () => writer.PostAsync("runs/delete-tag", new { run_id = run, key = "t" }),
            () => writer.PostAsync("runs/log-inputs", new
            {
                run_id = run,
                datasets = new[] { new { tags = new[] { new { key = "mlflow.data.context", value = "train" } }, dataset = new { name = "d", digest = "1", source_type = "s", source = "s" } } },
                models = new[] { new { model_id = "m-1" } },
            }),
            () => writer.PostAsync("runs/outputs", new { run_id = run, models = new[] { new { model_id = "m-2", step = 3 } } }),
            () => writer.PostAsync("runs/update", new { run_id = run, run_name = "renamed" }),
            () => writer.PostAsync("runs/update", new { run_id = run, status = "FINISHED", end_time = 1_800_000_000_000 }),
            async () => (await user.Client.PostJsonAsync($"/v1/runs/{run}/tags", new SetTagsRequest(new Dictionary<string, string> { ["native"] = "yes" }))).EnsureSuccessStatusCode(),
            async () => (await user.Client.PostJsonAsync($"/v1/runs/{run}/attempts/2/resume", new ResumeRequest(60))).EnsureSuccessStatusCode(),
            () => writer.PostAsync("runs/log-metric", new { run_id = run, key = "m1", value = 3, timestamp = 9, step = 99 }),
            async () => runs.Add(await writer.RunAsync(experiment)),
            () => writer.PostAsync("runs/log-batch", Batch(runs[^1], ++step, 2)),
            async () =>
            {
                await writer.PostAsync("runs/delete", new { run_id = runs[1] });
                runs.RemoveAt(1);
            },
        })
        {
            await change();
            await SameAsync(writer, reader, experiment, runs);
        }
    }

    [Fact]
    public async Task Runs_of_an_experiment_that_becomes_the_default_one_are_found_as_such()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        (await user.Client.PostJsonAsync($"/v1/projects/{project.Name}/experiments", new CreateExperimentRequest("Default"))).EnsureSuccessStatusCode();
        (await user.Client.PostJsonAsync($"/v1/projects/{project.Name}/experiments/Default/runs", new CreateRunRequest())).EnsureSuccessStatusCode();
        for (var i = 0; i < 5; i++)
        {
            (await user.Client.PostJsonAsync($"/v1/projects/{project.Name}/runs/search", new SearchRunsRequest(["Default"]))).EnsureSuccessStatusCode();
            await Task.Delay(100);
        }

        var found = await SearchAsync(new MLflowClient(user.Client, $"/p/{project.Name}/api/2.0/mlflow/"), "0", string.Empty);
        Assert.Equal("0", (string)Assert.Single(found)!["info"]!["experiment_id"]!);
    }

    [Fact]
    public async Task Searches_beside_writers_never_miss_what_was_acknowledged()
    {
        const int writers = 4;
        const int steps = 40;
        var user = await functions.CreateUserAsync();
        await using var another = await functions.StartAnotherAsync();
        using var client = another.CreateClient(user.AccessToken);
        var (writer, reader) = (new MLflowClient(user.Client), new MLflowClient(client));
        var experiment = await writer.ExperimentAsync(functions.Name("busy"));
        var runs = new List<string>();
        for (var i = 0; i < writers; i++)
        {
            runs.Add(await writer.RunAsync(experiment));
        }

        await LoadAsync(reader, experiment);
        await Task.WhenAll(runs.Select(async run =>
        {
            for (var step = 1; step <= steps; step++)
            {
                await writer.PostAsync("runs/log-batch", Batch(run, step, 5));
                await writer.PostAsync("runs/set-tag", new { run_id = run, key = "step", value = $"{step:000}" });
                var found = await SearchAsync(reader, experiment, $"metrics.m4 >= {step} AND tags.step LIKE '{step:000}' AND run_id = '{run}'");
                Assert.Equal(step, (long)Assert.Single(found)!["data"]!["metrics"]!.AsArray()[4]!["step"]!);
            }
        }));
        await SameAsync(writer, reader, experiment, runs);
    }

    [Fact]
    public async Task The_first_search_does_not_wait_until_what_was_just_logged_is_folded()
    {
        const int logged = 70;
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var experiment = await mlflow.ExperimentAsync(functions.Name("bulk"));
        var runs = new List<string>();
        for (var i = 0; i < logged; i++)
        {
            runs.Add(await mlflow.RunAsync(experiment));
        }

        // As long as somebody holds a run nobody folds it.
        await using var connection = new NpgsqlConnection(functions.Postgres);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var hold = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended(run, 60)) FROM unnest($1) AS run", connection, transaction) { Parameters = { new() { Value = runs.ToArray() } } };
        await hold.ExecuteNonQueryAsync();
        for (var i = 0; i < logged; i++)
        {
            await mlflow.PostAsync("runs/log-batch", Batch(runs[i], i, 2));
        }

        var found = await SearchAsync(mlflow, experiment, "metrics.m1 >= 60.5");
        Assert.Equal(runs.Skip(60).Order(StringComparer.Ordinal), found.Select(run => (string)run!["info"]!["run_id"]!).Order(StringComparer.Ordinal));
    }

    // Until its runs are in memory an experiment is searched in the database.
    private static async Task LoadAsync(MLflowClient reader, string experiment)
    {
        for (var i = 0; i < 5; i++)
        {
            await SearchAsync(reader, experiment, string.Empty);
            await Task.Delay(100);
        }
    }

    private static async Task SameAsync(MLflowClient writer, MLflowClient reader, string experiment, List<string> runs)
    {
        var found = (await SearchAsync(reader, experiment, string.Empty)).ToDictionary(run => (string)run!["info"]!["run_id"]!, run => run!);
        Assert.Equal(runs.Order(StringComparer.Ordinal), found.Keys.Order(StringComparer.Ordinal));
        foreach (var run in runs)
        {
            var expected = (await writer.GetAsync($"runs/get?run_id={run}"))["run"]!;
            Assert.True(JsonNode.DeepEquals(expected, found[run]), $"expected {expected.ToJsonString()}, found {found[run].ToJsonString()}");
        }
    }

    private static async Task<JsonArray> SearchAsync(MLflowClient mlflow, string experiment, string filter)
        => (await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { experiment }, filter }))["runs"]!.AsArray();

    private static object Batch(string run, int step, int metrics)
        => new { run_id = run, metrics = Enumerable.Range(0, metrics).Select(i => new { key = $"m{i}", value = step + (i * 0.5), timestamp = 1_700_000_000_000 + step, step }) };
}
