using System.Net;
using System.Text.Json.Nodes;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Lineage;
using AiPlatform.IntegrationTests.Functions.Compute.Jobs;
using AiPlatform.IntegrationTests.Functions.Data;
using AiPlatform.IntegrationTests.Functions.MLflow;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Operations.Lineage;

/// <summary>Events of other tools: taken by the contract, stored, turned into edges.</summary>
[Collection(TrackingCollection.Name)]
public sealed class OpenLineageTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task Events_of_two_tools_join_by_dataset_names()
    {
        var (client, project) = await ProjectAsync();
        var (load, build) = (Guid.NewGuid(), Guid.NewGuid());
        await SendAsync(client, project, Event(load, "load", "START", inputs: ["raw"], outputs: []));
        await SendAsync(client, project, Event(load, "load", "COMPLETE", inputs: ["raw"], outputs: ["clean"]));
        await SendAsync(client, project, Event(build, "build", "COMPLETE", inputs: ["clean"], outputs: ["features"], parent: load));
        var events = await client.GetAsync<Page<OpenLineageEventRecord>>($"/v1/projects/{project}/lineage-events");
        Assert.Equal(["COMPLETE", "COMPLETE", "START"], events.Items.Select(item => item.EventType));
        Assert.Equal(("airflow/build", build.ToString()), (events.Items[0].Job, events.Items[0].RunId));

        var raw = await EndAsync(client, project, "raw");
        var impact = await client.GetAsync<LineageReach>($"/v1/lineage/externalDataset/{raw}/impact");
        Assert.Equal(
            [$"airflow/build@{build}", $"airflow/load@{load}", "s3://lake/clean", "s3://lake/features"], impact.Items.Select(item => item.Node.Name).Order(StringComparer.Ordinal));
        var features = impact.Items.Single(item => item.Node.Name == "s3://lake/features").Node;
        var causes = await client.GetAsync<LineageReach>($"/v1/lineage/externalDataset/{features.Id}/root-causes");
        Assert.Equal(4, causes.Items.Count);
        Assert.Contains(causes.Items, item => item.Node.Name == $"airflow/load@{load}" && item.Depth == 2);
    }

    [Fact]
    public async Task A_repeated_event_changes_nothing_and_facets_of_the_newest_event_win()
    {
        var (client, project) = await ProjectAsync();
        string Dataset(string at, int fields) => $$$$$$"""
            {"eventTime":"{{{{{{at}}}}}}","producer":"https://t.example","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent",
             "dataset":{"namespace":"s3://lake","name":"raw","facets":{"schema":{"_producer":"https://t.example","_schemaURL":"https://openlineage.io/spec/facets/1-1-1/SchemaDatasetFacet.json","n":{{{{{{fields}}}}}}}}}}
            """;
        await SendAsync(client, project, Dataset("2026-01-02T00:00:00Z", 2));
        await SendAsync(client, project, Dataset("2026-01-02T00:00:00Z", 2));
        await SendAsync(client, project, Dataset("2026-01-01T00:00:00Z", 1));
        Assert.Equal(2, (await client.GetAsync<Page<OpenLineageEventRecord>>($"/v1/projects/{project}/lineage-events")).Items.Count);
        Assert.Equal(2, (await FindAsync(client, project, "raw")).Facets.GetProperty("schema").GetProperty("n").GetInt32());
    }

    [Fact]
    public async Task The_platforms_own_datasets_and_runs_are_recognised()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.UploadDatasetAsync("digits", ("train.csv", "1"));
        var versions = $"/v1/projects/{world.Project.Id}/datasets/digits/versions";
        var draft = await world.Client.PostAsync<DatasetVersionDraft>(versions, new CreateDatasetVersionRequest([Blobs.File("train.csv", "2")]));
        await Blobs.UploadAsync(draft.Uploads[0].Url, draft.Uploads[0].Headers, "2");
        await world.Client.PostAsync<DatasetVersion>($"{versions}/2/commit", new { });
        var mlflow = new MLflowClient(world.Client, $"/p/{world.Project.Name}/api/2.0/mlflow/");
        var run = await mlflow.RunAsync();
        var sent = JsonNode.Parse(Event(Guid.ParseExact(run, "N"), "train", "COMPLETE", inputs: ["digits"], outputs: []))!;
        sent["inputs"]![0]!["namespace"] = $"aiplatform/{world.Project.Name}";
        await SendAsync(world.Client, world.Project.Name, sent.ToJsonString());
        sent["inputs"]![0]!["facets"] = JsonNode.Parse(
            """{"version":{"_producer":"https://t.example","_schemaURL":"https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json","datasetVersion":"1"}}""");
        await SendAsync(world.Client, world.Project.Name, sent.ToJsonString());
        var graph = await world.Client.GetAsync<LineageGraph>($"/v1/lineage/run/{run}");
        Assert.Equal(["digits@1", "digits@2"], graph.Upstream.Select(edge => edge.Source.Name).Order());
        Assert.All(graph.Upstream, edge => Assert.Equal("datasetVersion", edge.Source.Kind));
    }

    [Fact]
    public async Task A_batch_takes_what_is_good_and_names_what_is_not()
    {
        var (client, project) = await ProjectAsync();
        string Good(string name) => Event(Guid.NewGuid(), name, "COMPLETE", inputs: ["raw"], outputs: [name]);
        var all = await client.PostJsonAsync($"/p/{project}/api/v1/lineage/batch", $"[{Good("a")},{Good("b")}]");
        Assert.Equal(HttpStatusCode.NoContent, all.StatusCode);
        var some = await client.PostJsonAsync(
            $"/p/{project}/api/v1/lineage/batch", $"[{Good("c")},{{\"eventTime\":\"2026-01-01T00:00:00Z\"}},7]", ("Accept-Language", "zh-CN"));
        Assert.Equal(HttpStatusCode.OK, some.StatusCode);
        var result = await some.ReadAsync<OpenLineageBatchResult>();
        Assert.Equal(("partial_success", new OpenLineageBatchSummary(3, 1, 2)), (result.Status, result.Summary));
        Assert.Equal([(1, "producer", "该字段必填。"), (2, "event", "应为对象，实际为数字。")], result.FailedEvents.Select(item => (item.Index, item.Field, item.Reason)));
        Assert.Equal(6, (await client.GetAsync<LineageReach>($"/v1/lineage/externalDataset/{await EndAsync(client, project, "raw")}/impact")).Items.Count);
        await client.PostJsonAsync($"/p/{project}/api/v1/lineage/batch", "[]").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await client.PostJsonAsync($"/p/{project}/api/v1/lineage/batch", "{}").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await client.PostJsonAsync($"/p/{project}/api/v1/lineage/batch", $"[{string.Join(',', Enumerable.Repeat("1", 1_001))}]").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Without_a_project_in_the_path_events_go_to_the_callers_own_and_never_to_that_of_others()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var sent = await user.Client.PostJsonAsync("/api/v1/lineage", Event(Guid.NewGuid(), "x", "OTHER", inputs: ["raw"], outputs: []));
        Assert.Equal(HttpStatusCode.Created, sent.StatusCode);
        Assert.Single((await user.Client.GetAsync<Page<OpenLineageEventRecord>>($"/v1/projects/{project.Name}/lineage-events")).Items);
        var stranger = await functions.CreateUserAsync();
        await stranger.Client.PostJsonAsync($"/p/{project.Name}/api/v1/lineage", Event(Guid.NewGuid(), "x", "OTHER", inputs: ["raw"], outputs: []))
            .ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await functions.Anonymous.PostJsonAsync("/api/v1/lineage", "{}").ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
        await user.Client.PostJsonAsync("/api/v1/lineage", "not json").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        var problem = await user.Client.PostJsonAsync("/api/v1/lineage", "{}").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Equal(["eventTime"], problem.Errors?.Keys);
    }

    internal static string Event(Guid run, string job, string type, string[] inputs, string[] outputs, Guid? parent = null)
    {
        JsonArray Datasets(string[] names) => [.. names.Select(name => new JsonObject { ["namespace"] = "s3://lake", ["name"] = name })];
        return new JsonObject
        {
            ["eventType"] = type,
            ["eventTime"] = "2026-01-01T00:00:00Z",
            ["producer"] = "https://t.example",
            ["schemaURL"] = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            ["run"] = new JsonObject
            {
                ["runId"] = run.ToString(),
                ["facets"] = parent is null ? new JsonObject() : new JsonObject
                {
                    ["parent"] = new JsonObject
                    {
                        ["_producer"] = "https://t.example", ["_schemaURL"] = "https://openlineage.io/spec/facets/1-0-1/ParentRunFacet.json",
                        ["run"] = new JsonObject { ["runId"] = parent.ToString() }, ["job"] = new JsonObject { ["namespace"] = "airflow", ["name"] = "load" },
                    },
                },
            },
            ["job"] = new JsonObject { ["namespace"] = "airflow", ["name"] = job },
            ["inputs"] = Datasets(inputs),
            ["outputs"] = Datasets(outputs),
        }.ToJsonString();
    }

    private static async Task SendAsync(HttpClient client, string project, string body)
    {
        var response = await client.PostJsonAsync($"/p/{project}/api/v1/lineage", body);
        Assert.True(response.StatusCode == HttpStatusCode.Created, await response.Content.ReadAsStringAsync());
    }

    private async Task<(HttpClient Client, string Project)> ProjectAsync()
    {
        var user = await functions.CreateUserAsync();
        return (user.Client, (await functions.CreateProjectAsync(user.Client)).Name);
    }

    private static async Task<string> EndAsync(HttpClient client, string project, string name) => (await FindAsync(client, project, name)).Id;

    private static async Task<ExternalThing> FindAsync(HttpClient client, string project, string name)
        => Assert.Single((await client.GetAsync<Page<ExternalThing>>($"/v1/projects/{project}/lineage-external?kind=externalDataset&namespace=s3://lake&name={name}")).Items);
}
