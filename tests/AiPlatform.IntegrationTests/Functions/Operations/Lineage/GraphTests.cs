using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Lineage;
using AiPlatform.Contracts.Models;
using AiPlatform.IntegrationTests.Functions.Compute.Jobs;
using AiPlatform.IntegrationTests.Functions.MLflow;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Operations.Lineage;
using AiPlatform.Ports.Operations;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Operations.Lineage;

/// <summary>Edges come about by themselves, and the graph is read to any depth, at any time, in both directions.</summary>
[Collection(TrackingCollection.Name)]
public sealed class GraphTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task Uploads_jobs_runs_and_models_are_linked_and_answer_impact_and_root_cause()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.UploadDatasetAsync("digits", ("train.csv", "1,2,3"));
        var submitted = await (await world.Client.PostJsonAsync(world.Jobs, """{"recipe":"image-classifier","datasets":[{"dataset":"digits"}]}""")).ReadAsync<Contracts.Jobs.JobSubmission>();
        var before = DateTimeOffset.UtcNow;
        var mlflow = new MLflowClient(world.Client, $"/p/{world.Project.Name}/api/2.0/mlflow/");
        await mlflow.PostAsync("registered-models/create", new { name = "digits" });
        var version = await mlflow.PostAsync("model-versions/create", new { name = "digits", source = "s3://elsewhere/model", run_id = submitted.Job.RunId });
        await mlflow.PostAsync("model-versions/create", new { name = "digits", source = $"models:/digits/{version["model_version"]!["version"]}" });
        var models = await world.Client.GetAsync<Page<ModelVersion>>($"/v1/projects/{world.Project.Name}/models/digits/versions");
        var (copy, model) = (models.Items.Single(item => item.Version == 2), models.Items.Single(item => item.Version == 1));

        var causes = await world.Client.GetAsync<LineageReach>($"/v1/lineage/modelVersion/{copy.Id}/root-causes");
        Assert.Equal(["modelVersion", "run", "job", "datasetVersion", "user"], causes.Items.Select(item => item.Node.Kind));
        Assert.Equal(["digits/1", submitted.Job.Name, submitted.Job.Name, "digits@1"], causes.Items.Take(4).Select(item => item.Node.Name));
        Assert.Equal([1, 2, 3, 4, 5], causes.Items.Select(item => item.Depth));
        var data = causes.Items.Single(item => item.Node.Kind == "datasetVersion").Node;
        var impact = await world.Client.GetAsync<LineageReach>($"/v1/lineage/datasetVersion/{data.Id}/impact?kinds=modelVersion,job");
        Assert.Equal([submitted.Job.Id, model.Id, copy.Id], impact.Items.Select(item => item.Node.Id));
        Assert.False(impact.Truncated);

        var whole = await world.Client.GetAsync<LineageGraph>($"/v1/lineage/run/{submitted.Job.RunId}?depth=9");
        Assert.Equal(["produced", "input", "uploaded"], whole.Upstream.Select(edge => edge.Relation));
        Assert.Equal(["produced", "copied"], whole.Downstream.Select(edge => edge.Relation));
        var past = await world.Client.GetAsync<LineageGraph>($"/v1/lineage/run/{submitted.Job.RunId}?depth=9&at={Uri.EscapeDataString(before.ToString("O"))}");
        Assert.Equal((3, 0), (past.Upstream.Count, past.Downstream.Count));
        var one = await world.Client.GetAsync<LineageGraph>($"/v1/lineage/run/{submitted.Job.RunId}?direction=upstream");
        Assert.Equal((submitted.Job.Id, 0), (Assert.Single(one.Upstream).Source.Id, one.Downstream.Count));
    }

    [Fact]
    public async Task Inputs_and_models_that_mlflow_clients_log_are_in_the_graph()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var mlflow = new MLflowClient(user.Client, $"/p/{project.Name}/api/2.0/mlflow/");
        var (train, score) = (await mlflow.RunAsync(), await mlflow.RunAsync());
        object Input(string digest) => new { dataset = new { name = "orders", digest, source_type = "s3", source = "{}" } };
        await mlflow.PostAsync("runs/log-inputs", new { run_id = train, datasets = new[] { Input("d1"), Input("d2") } });
        var model = (string)(await mlflow.PostAsync("logged-models", new { experiment_id = "0", name = "net", source_run_id = train }))["model"]!["info"]!["model_id"]!;
        await mlflow.PostAsync("runs/outputs", new { run_id = train, models = new[] { new { model_id = model, step = 1 } } });
        await mlflow.PostAsync("runs/log-inputs", new { run_id = score, datasets = new[] { Input("d1") }, models = new[] { new { model_id = model } } });
        await mlflow.PostAsync("registered-models/create", new { name = "net" });
        await mlflow.PostAsync("model-versions/create", new { name = "net", source = $"models:/{model}", model_id = model, run_id = train });

        var causes = await user.Client.GetAsync<LineageReach>($"/v1/lineage/run/{score}/root-causes");
        Assert.Equal(["mlflow:s3/orders@d1", "mlflow:s3/orders@d2", "net"], causes.Items.Where(item => item.Node.Kind != "run").Select(item => item.Node.Name).Order());
        Assert.Contains(causes.Items, item => item.Node.Id == train && item.Depth == 2);
        var data = causes.Items.Single(item => item.Node.Name == "mlflow:s3/orders@d2").Node;
        var impact = await user.Client.GetAsync<LineageReach>($"/v1/lineage/externalDataset/{data.Id}/impact");
        Assert.Equal([train, model, score], impact.Items.Where(item => item.Node.Kind != "modelVersion").Select(item => item.Node.Id));
        Assert.Equal("net/1", impact.Items.Single(item => item.Node.Kind == "modelVersion").Node.Name);
    }

    [Fact]
    public async Task A_version_that_was_imported_leads_to_where_it_came_from()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.UploadDatasetAsync("raw", ("a.csv", "1"));
        await TestDatabase.ScalarAsync(
            functions.Postgres,
            $$$"""
            INSERT INTO dataset_imports (id, project_id, dataset_id, request, source, status, created_at, version)
            SELECT d.id, d.project_id, d.id, '{"url":{"url":""}}', 'https://data.example/lake/a.csv', 'running', now(), 1 FROM datasets d WHERE d.project_id = '{{{world.Project.Id}}}';
            UPDATE dataset_imports SET status = 'succeeded' WHERE project_id = '{{{world.Project.Id}}}'
            """);
        var version = await world.Client.GetAsync<DatasetVersion>($"/v1/projects/{world.Project.Id}/datasets/raw/versions/1");
        var graph = await world.Client.GetAsync<LineageGraph>($"/v1/lineage/datasetVersion/{version.Id}");
        Assert.Equal(["imported", "uploaded"], graph.Upstream.Select(edge => edge.Relation).Order());
        Assert.Equal("https://data.example/lake/a.csv", graph.Upstream.Single(edge => edge.Relation == "imported").Source.Name);
    }

    [Fact]
    public async Task Any_graph_is_followed_as_a_naive_search_says()
    {
        var (project, ends) = await NodesAsync(24);
        var client = (await functions.AdministratorAsync()).Client;
        await Gen.Select(Gen.Int[0, 23], Gen.Int[0, 23]).Array[10, 60].SampleAsync(async edges =>
        {
            var (database, writer) = (functions.App.Services.GetRequiredService<Database>(), functions.App.Services.GetRequiredService<LineageWriter>());
            await database.InWorkAsync(
                async work =>
                {
                    await work.ExecuteAsync("DELETE FROM lineage_edges WHERE project_id = @project", new { project });
                    await writer.AddAsync(work, project, [.. edges.Select(edge => new LineageStep(ends[edge.Item1], ends[edge.Item2], "input"))]);
                },
                CancellationToken.None);
            foreach (var depth in (int[])[1, 3, 100])
            {
                var reach = await client.GetAsync<LineageReach>($"/v1/lineage/externalDataset/{ends[0].Id}/impact?depth={depth}");
                Assert.Equal(Naive(edges, depth).Select(pair => (ends[pair.Key].Id, pair.Value)).Order(), reach.Items.Select(item => (item.Node.Id, item.Depth)).Order());
            }
        }, iter: 8, threads: 1);
    }

    [Fact]
    public async Task A_large_answer_is_cut_and_says_so()
    {
        var (project, ends) = await NodesAsync(40);
        var writer = functions.App.Services.GetRequiredService<LineageWriter>();
        await functions.App.Services.GetRequiredService<Database>().InWorkAsync(
            work => writer.AddAsync(work, project, [.. ends.Skip(1).Select(end => new LineageStep(ends[0], end, "produced"))]), CancellationToken.None);
        var client = (await functions.AdministratorAsync()).Client;
        var cut = await client.GetAsync<LineageGraph>($"/v1/lineage/externalDataset/{ends[0].Id}?limit=38");
        Assert.Equal((38, true), (cut.Downstream.Count, cut.Truncated));
        var whole = await client.GetAsync<LineageGraph>($"/v1/lineage/externalDataset/{ends[0].Id}?limit=39");
        Assert.Equal((39, false), (whole.Downstream.Count, whole.Truncated));
    }

    [Theory]
    [InlineData("?depth=0", "depth")]
    [InlineData("?depth=101", "depth")]
    [InlineData("?limit=20001", "limit")]
    [InlineData("?direction=sideways", "direction")]
    [InlineData("?at=tomorrow", "at")]
    [InlineData("/impact?kinds=planet", "kinds")]
    public async Task Bad_parameters_are_refused_by_field(string query, string field)
    {
        var (_, ends) = await NodesAsync(1);
        var problem = await (await functions.AdministratorAsync()).Client.GetAsync($"/v1/lineage/externalDataset/{ends[0].Id}{query}")
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Equal([field], problem.Errors?.Keys);
    }

    [Theory]
    [InlineData("externalDataset")]
    [InlineData("planet")]
    [InlineData("user")]
    public async Task Nobody_reads_the_graph_of_others(string kind)
    {
        var (_, ends) = await NodesAsync(1);
        var stranger = await functions.CreateUserAsync();
        var id = kind == "user" ? stranger.User.Id : ends[0].Id;
        foreach (var route in (string[])["", "/impact", "/root-causes"])
        {
            await stranger.Client.GetAsync($"/v1/lineage/{kind}/{id}{route}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        }
    }

    private async Task<(string Project, IReadOnlyList<LineageEnd> Ends)> NodesAsync(int count)
    {
        var project = await functions.CreateProjectAsync((await functions.CreateUserAsync()).Client);
        var writer = functions.App.Services.GetRequiredService<LineageWriter>();
        return (project.Id, await functions.App.Services.GetRequiredService<Database>().InWorkAsync(
            work => writer.ExternalAsync(work, project.Id, LineageEnd.ExternalDatasetKind, [.. Enumerable.Range(0, count).Select(i => new ExternalName("test", $"n{i}"))]),
            CancellationToken.None));
    }

    private static Dictionary<int, int> Naive((int From, int To)[] edges, int depth)
    {
        var reached = new Dictionary<int, int> { [0] = 0 };
        for (var level = 1; level <= depth; level++)
        {
            foreach (var next in edges.Where(edge => reached.TryGetValue(edge.From, out var at) && at == level - 1).Select(edge => edge.To).Distinct().ToList())
            {
                reached.TryAdd(next, level);
            }
        }

        reached.Remove(0);
        return reached;
    }
}
