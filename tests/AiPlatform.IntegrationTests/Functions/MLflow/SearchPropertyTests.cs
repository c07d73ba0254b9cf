using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search.Index;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

[Collection(TrackingCollection.Name)]
public sealed class SearchPropertyTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const int Runs = 60;

    private static readonly Gen<NaiveRun> Run = Gen.Select(
        NaiveSearch.Pick("a", "b", "ab", "A", "a_b"), Gen.Long[1, 6], Gen.Long[1, 6], NaiveSearch.Pick(NaiveSearch.Statuses),
        Entries(NaiveSearch.Numbers), Entries(NaiveSearch.Texts), Entries(NaiveSearch.Texts),
        Gen.Select(NaiveSearch.Pick("d1", "d2"), NaiveSearch.Pick("d1", "e1"), NaiveSearch.Pick<string?>("train", "Test", null), (name, digest, context) => new NaiveDataset(name, digest, context)).Array[0, 2],
        (name, start, end, status, metrics, parameters, tags, datasets) => new NaiveRun(
            string.Empty, name, start, status == "RUNNING" ? null : end, status, metrics, parameters, tags, [.. datasets.DistinctBy(dataset => (dataset.Name, dataset.Digest))]));

    [Fact]
    public async Task Searches_in_memory_and_in_the_database_find_what_a_naive_evaluator_finds_in_the_same_order()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        await using var another = await FunctionsInstance.StartAsync(new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal) { ["MLflow:IndexedEntries"] = "0" });
        using var inDatabase = another.CreateClient(user.AccessToken);
        var runs = new List<NaiveRun>();
        await Run.SampleAsync(async run => runs.Add(run with { Id = await CreateAsync(mlflow, run) }), iter: Runs, threads: 1);

        var known = await functions.App.Services.GetRequiredService<RunDirectory>().RequireAsync(runs[0].Id, new Caller(user.User.Id, user.User.UserName, CallerRole.Member), CancellationToken.None);
        await Gen.Select(NaiveSearch.Filter, NaiveSearch.Order, Gen.Int[1, 2 * Runs]).SampleAsync(
            async (filter, order, page) =>
            {
                var expected = NaiveSearch.Evaluate(runs, filter, order);
                foreach (var (place, find) in new (string, Func<Task<List<string>>>)[]
                {
                    ("memory", () => FindAsync(mlflow, filter, order, page)),
                    ("database", () => FindAsync(new MLflowClient(inDatabase), filter, order, page)),
                    ("memory, native", () => FindNativelyAsync(user.Client, known.ProjectId, filter, order, page)),
                    ("database, native", () => FindNativelyAsync(inDatabase, known.ProjectId, filter, order, page)),
                })
                {
                    var found = await find();
                    Assert.True(
                        expected.SequenceEqual(found),
                        $"{place}: {Text(filter)} ORDER BY {string.Join(", ", order.Select(column => column.Text))}: expected {string.Join(' ', expected)}, found {string.Join(' ', found)}");
                }
            },
            iter: 250,
            threads: 2);
        Assert.Equal(Runs, (await functions.App.Services.GetRequiredService<RunIndexes>().FindAsync(known.ProjectId, [known.ExperimentId], CancellationToken.None))?.Runs.Length);
    }

    private static string Text(NaiveClause[] filter) => string.Join(" AND ", filter.Select(clause => clause.Text));

    private static async Task<List<string>> FindAsync(MLflowClient mlflow, NaiveClause[] filter, NaiveOrder[] order, int page)
    {
        var found = new List<string>();
        string? token = null;
        do
        {
            var answer = await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { "0" }, filter = Text(filter), order_by = order.Select(column => column.Text), max_results = page, page_token = token });
            found.AddRange(answer["runs"]!.AsArray().Select(run => (string)run!["info"]!["run_id"]!));
            token = (string?)answer["next_page_token"];
        }
        while (token is not null);
        return found;
    }

    private static async Task<List<string>> FindNativelyAsync(HttpClient client, string projectId, NaiveClause[] filter, NaiveOrder[] order, int page)
    {
        var found = new List<string>();
        string? token = null;
        do
        {
            var request = new SearchRunsRequest(Filter: Text(filter), OrderBy: [.. order.Select(column => column.Text)], PageSize: page, PageToken: token);
            var answer = await client.PostAsync<Page<Run>>($"/v1/projects/{projectId}/runs/search", request);
            found.AddRange(answer.Items.Select(run => run.Id));
            token = answer.NextPageToken;
        }
        while (token is not null);
        return found;
    }

    private static Gen<Dictionary<string, T>> Entries<T>(T[] values)
        => Gen.Select(NaiveSearch.Pick(NaiveSearch.Keys), NaiveSearch.Pick(values)).Array[0, 3].Select(static entries => entries.DistinctBy(static entry => entry.Item1).ToDictionary(static entry => entry.Item1, static entry => entry.Item2));

    private static async Task<string> CreateAsync(MLflowClient mlflow, NaiveRun run)
    {
        var id = (string)(await mlflow.PostAsync("runs/create", new { experiment_id = "0", run_name = run.Name, start_time = run.Start }))["run"]!["info"]!["run_id"]!;
        await mlflow.PostAsync("runs/log-batch", new
        {
            run_id = id,
            metrics = run.Metrics.Select(metric => new { key = metric.Key, value = Value(metric.Value), timestamp = 1, step = 0 }),
            @params = run.Params.Select(entry => new { key = entry.Key, value = entry.Value }),
            tags = run.Tags.Select(entry => new { key = entry.Key, value = entry.Value }),
        });
        if (run.Datasets.Count > 0)
        {
            await mlflow.PostAsync("runs/log-inputs", new
            {
                run_id = id,
                datasets = run.Datasets.Select(dataset => new
                {
                    tags = dataset.Context is null ? [] : new[] { new { key = "mlflow.data.context", value = dataset.Context } },
                    dataset = new { name = dataset.Name, digest = dataset.Digest, source_type = "s", source = "s" },
                }),
            });
        }

        if (run.Status != "RUNNING")
        {
            await mlflow.PostAsync("runs/update", new { run_id = id, status = run.Status, end_time = run.End });
        }

        return id;
    }

    private static object Value(double value) => double.IsFinite(value) ? value : double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}
