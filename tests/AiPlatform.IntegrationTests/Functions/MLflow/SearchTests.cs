using System.Net;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

[Collection(TrackingCollection.Name)]
public sealed class SearchTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Invalid = "INVALID_PARAMETER_VALUE";

    [Fact]
    public async Task Every_rule_of_the_grammar_finds_its_runs()
    {
        var mlflow = await ClientAsync();
        var runs = new Dictionary<string, string>();
        foreach (var (name, loss, model, tag) in new (string Name, object? Loss, string Model, string? Tag)[]
        {
            ("a", 0.1, "cnn", "x y"), ("b", 0.5, "CNN-2", null), ("c", "NaN", "rnn", "z"), ("d", null, "r_n%", "Z"), ("e", "Infinity", "cnn", "q"),
        })
        {
            var id = (string)(await mlflow.PostAsync("runs/create", new { experiment_id = "0", run_name = name, start_time = 1_000 * (name[0] - 'a' + 1) }))["run"]!["info"]!["run_id"]!;
            runs[id] = name;
            await mlflow.PostAsync("runs/log-batch", new
            {
                run_id = id,
                metrics = loss is null ? [] : new[] { new { key = "val loss", value = loss, timestamp = 1, step = 0 } },
                @params = new[] { new { key = "model", value = model } },
                tags = tag is null ? [] : new[] { new { key = "my.tag", value = tag } },
            });
        }

        await mlflow.PostAsync("runs/update", new { run_id = runs.Single(run => run.Value == "b").Key, status = "FAILED", end_time = 9_000 });
        await mlflow.PostAsync("runs/log-inputs", new
        {
            run_id = runs.Single(run => run.Value == "a").Key,
            datasets = new[] { new { tags = new[] { new { key = "mlflow.data.context", value = "train" } }, dataset = new { name = "iris", digest = "d1", source_type = "s", source = "s" } } },
        });
        var (first, second) = (runs.First().Key, runs.ElementAt(1).Key);
        foreach (var (filter, expected) in new (string Filter, string Expected)[]
        {
            ("", "abcde"), ("metrics.`val loss` < 0.5", "a"), ("metrics.\"val loss\" <= 5e-1", "ab"), ("metric.`val loss` > 0.1", "be"), ("metrics.`val loss` != 0.1", "bce"),
            ("metrics.`val loss` = .5", "b"), ("metrics.`val loss` >= -1 and metrics.`val loss` < 1", "ab"), ("metrics.other > 0", ""),
            ("params.model = 'cnn'", "ae"), ("parameter.model != \"cnn\"", "bcd"), ("params.model LIKE 'c%'", "ae"), ("param.model ilike 'C%'", "abe"),
            ("params.model LIKE 'r_n'", "c"), ("params.model LIKE 'r_n_'", "d"), ("params.model LIKE '%\\%'", ""),
            ("tags.my.tag = 'x y'", "a"), ("tags.`my.tag` ILIKE 'z'", "cd"), ("tag.\"my.tag\" != 'z'", "ade"), ("tags.my.tag IS NULL", "b"), ("tags.my.tag IS NOT NULL", "acde"),
            ("tags.mlflow.runName = 'c'", "c"), ("run_name IN ('a')", "!"), ("attributes.run_name = 'a'", "a"), ("attr.`run name` LIKE 'b'", "b"), ("run.status = 'FAILED'", "b"),
            ("status != 'FAILED' AND params.model = 'rnn'", "c"), ("start_time > 3000", "de"), ("created <= 2000", "ab"), ("end_time = 9000", "b"), ("user_id LIKE 'user-%'", "abcde"),
            ($"run_id IN ('{first}', '{second}')", "ab"), ($"attribute.run_id NOT IN ('{first}')", "bcde"), ($"run_id = '{first}'", "a"), ($"artifact_uri LIKE '%{second}%'", "b"),
            ("dataset.name = 'iris'", "a"), ("datasets.digest LIKE 'd%'", "a"), ("dataset.context IN ('train', 'eval')", "a"), ("dataset.name != 'iris'", ""),
            ("metrics.x > '1'", "!"), ("params.model = cnn", "!"), ("params.model > 'a'", "!"), ("metrics.x LIKE 'a'", "!"), ("metrics.x > 1 OR metrics.x < 2", "!"), ("(metrics.x > 1)", "!"),
            ("foo.x = 'a'", "!"), ("attribute.nothing = 'a'", "!"), ("metrics.x >", "!"), ("metrics.x > 1 AND", "!"), ("tags.a = 'b", "!"), ("metrics. > 1", "!"), ("start_time > 'x'", "!"),
            ("dataset.owner = 'x'", "!"), ("run_id IN (1, 2)", "!"), ("run_id IN ()", "!"), ("metrics.x == 1", "!"), ("= 1", "!"), ("'; DROP TABLE runs; --", "!"),
        })
        {
            if (expected == "!")
            {
                await mlflow.ErrorAsync("runs/search", new { experiment_ids = new[] { "0" }, filter }, HttpStatusCode.BadRequest, Invalid);
            }
            else
            {
                Assert.Equal((filter, expected), (filter, await FindAsync(mlflow, runs, new { experiment_ids = new[] { "0" }, filter, order_by = new[] { "run_name" } })));
            }
        }

        foreach (var (order, expected) in new (string Order, string Expected)[]
        {
            ("metrics.`val loss` ASC", "abecd"), ("metrics.`val loss` DESC", "ebacd"), ("params.model", "beadc"), ("tags.`my.tag` DESC", "caedb"), ("start_time DESC", "edcba"),
            ("attributes.end_time", "bedca"), ("Run name desc", "edcba"), ("status", "bedca"),
        })
        {
            Assert.Equal((order, expected), (order, await FindAsync(mlflow, runs, new { experiment_ids = new[] { "0" }, order_by = new[] { order } })));
        }

        Assert.Equal("edcba", await FindAsync(mlflow, runs, new { experiment_ids = new[] { "0" } }));
        Assert.Equal(string.Empty, await FindAsync(mlflow, runs, new { experiment_ids = Array.Empty<string>() }));
        foreach (var bad in new object[]
        {
            new { experiment_ids = new[] { "0" }, order_by = new[] { "metrics" } }, new { experiment_ids = new[] { "0" }, order_by = new[] { "metrics.x SIDEWAYS" } },
            new { experiment_ids = new[] { "0" }, max_results = 50_001 }, new { experiment_ids = new[] { "0" }, max_results = 0 }, new { experiment_ids = new[] { "0" }, page_token = "?" },
            new { experiment_ids = new[] { "0" }, run_view_type = "SOME" }, new { experiment_ids = 5 },
        })
        {
            await mlflow.ErrorAsync("runs/search", bad, HttpStatusCode.BadRequest, Invalid);
        }

        var found = new List<string>();
        for (string? token = string.Empty; token is not null;)
        {
            var page = await mlflow.PostAsync("runs/search", new { experiment_ids = new[] { "0" }, max_results = 2, page_token = token, order_by = new[] { "run_name DESC" } });
            found.AddRange(page["runs"]!.AsArray().Select(run => (string)run!["info"]!["run_name"]!));
            token = (string?)page["next_page_token"];
        }

        Assert.Equal(["e", "d", "c", "b", "a"], found);
        await mlflow.PostAsync("runs/delete", new { run_id = first });
        Assert.Equal("edcb", await FindAsync(mlflow, runs, new { experiment_ids = new[] { "0" } }));
        Assert.Equal("a", await FindAsync(mlflow, runs, new { experiment_ids = new[] { "0" }, run_view_type = "DELETED_ONLY" }));
        Assert.Equal("edcba", await FindAsync(mlflow, runs, new { experiment_ids = new[] { "0" }, run_view_type = "ALL" }));
    }

    private static async Task<string> FindAsync(MLflowClient mlflow, Dictionary<string, string> names, object search)
        => string.Concat((await mlflow.PostAsync("runs/search", search))["runs"]!.AsArray().Select(run => names[(string)run!["info"]!["run_id"]!]));

    private async Task<MLflowClient> ClientAsync() => new((await functions.CreateUserAsync()).Client);
}
