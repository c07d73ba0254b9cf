using AiPlatform.IntegrationTests.Servers;
using CsCheck;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

[Collection(ServersCollection.Name)]
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
    public async Task Searches_find_what_a_naive_evaluator_finds_in_the_same_order()
    {
        var mlflow = new MLflowClient((await functions.CreateUserAsync()).Client);
        var runs = new List<NaiveRun>();
        await Run.SampleAsync(async run => runs.Add(run with { Id = await CreateAsync(mlflow, run) }), iter: Runs, threads: 1);

        await Gen.Select(NaiveSearch.Filter, NaiveSearch.Order, Gen.Int[1, 2 * Runs]).SampleAsync(
            async (filter, order, page) =>
            {
                var text = string.Join(" AND ", filter.Select(clause => clause.Text));
                var found = new List<string>();
                string? token = null;
                do
                {
                    var answer = await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { "0" }, filter = text, order_by = order.Select(column => column.Text), max_results = page, page_token = token });
                    found.AddRange(answer["runs"]!.AsArray().Select(run => (string)run!["info"]!["run_id"]!));
                    token = (string?)answer["next_page_token"];
                }
                while (token is not null);
                var expected = NaiveSearch.Evaluate(runs, filter, order);
                Assert.True(expected.SequenceEqual(found), $"{text} ORDER BY {string.Join(", ", order.Select(column => column.Text))}: expected {string.Join(' ', expected)}, found {string.Join(' ', found)}");
            },
            iter: 250,
            threads: 2);
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
