using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.IntegrationTests.Functions.MLflow.Traces;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

[Collection(TrackingCollection.Name)]
public sealed class EvaluationTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Invalid = "INVALID_PARAMETER_VALUE";
    private const string Missing = "RESOURCE_DOES_NOT_EXIST";

    [Fact]
    public async Task Datasets_are_made_tagged_searched_and_deleted()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var other = await project.MLflow.ExperimentAsync("other");
        var first = await CreateAsync(project, "first", """{"team":"ml","mlflow.user":"ann"}""", project.Experiment);
        await CreateAsync(project, "second", """{"team":"data"}""", project.Experiment, other);
        await CreateAsync(project, "third", """{"team":"ml"}""", other);
        Assert.Equal(("ann", 8), ((string)first["created_by"]!, ((string)first["digest"]!).Length));
        Assert.Equal([project.Experiment], first["experiment_ids"]!.AsArray().Select(static id => (string)id!));

        Assert.Equal(["third", "second", "first"], await SearchAsync(project, new { }));
        Assert.Equal(["second", "first"], await SearchAsync(project, new { experiment_ids = new[] { project.Experiment } }));
        Assert.Equal(["third", "first"], await SearchAsync(project, new { filter_string = "tags.team = 'ml'" }));
        Assert.Equal(["first", "second", "third"], await SearchAsync(project, new { order_by = new[] { "name ASC" } }));
        Assert.Equal(["second"], await SearchAsync(project, new { filter_string = "name LIKE 'sec%' AND created_time > 0" }));
        await project.MLflow.ErrorAsync("datasets/search", new { filter_string = "moon = 'x'" }, HttpStatusCode.BadRequest, Invalid);

        var id = (string)first["dataset_id"]!;
        await project.MLflow.PostAsync($"datasets/{id}/tags", new { tags = """{"team":null,"env":"dev"}""" }, "PATCH");
        await project.MLflow.PostAsync($"datasets/{id}/tags/env", new { }, "DELETE");
        Assert.Equal("""{"mlflow.user": "ann"}""", (string)(await GetAsync(project, id))["tags"]!);
        await project.MLflow.PostAsync($"datasets/{id}/add-experiments", new { experiment_ids = new[] { other, project.Experiment } });
        Assert.Equal(2, (await project.MLflow.GetAsync($"datasets/{id}/experiment-ids"))["experiment_ids"]!.AsArray().Count);
        var left = (await project.MLflow.PostAsync($"datasets/{id}/remove-experiments", new { experiment_ids = new[] { other, other } }))["dataset"]!;
        Assert.Equal([project.Experiment], left["experiment_ids"]!.AsArray().Select(static experiment => (string)experiment!));
        await project.MLflow.ErrorAsync($"datasets/{id}/add-experiments", new { experiment_ids = new[] { "nothing" } }, HttpStatusCode.NotFound, Missing);

        for (var i = 0; i < 2; i++)
        {
            await project.MLflow.PostAsync($"datasets/{id}", new { }, "DELETE");
        }

        Assert.Contains("not found", await project.MLflow.ErrorAsync($"datasets/{id}", null, HttpStatusCode.NotFound, Missing), StringComparison.Ordinal);
        var stranger = await TraceFixture.CreateAsync(functions);
        Assert.Empty(await SearchAsync(stranger, new { }));
    }

    [Fact]
    public async Task A_record_is_its_inputs_whatever_their_order()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var id = (string)(await CreateAsync(project, "set", "{}"))["dataset_id"]!;
        Assert.Equal((2, 0), await UpsertAsync(project, id, """
            [{"inputs":{"q":"a","n":1},"expectations":{"x":1},"tags":{"d":"easy"},"source":{"source_type":"TRACE","source_data":{"trace_id":"tr-1"}}},
             {"inputs":{"q":"\u0000"},"outputs":[1]}]
            """));
        Assert.Equal((1, 2), await UpsertAsync(project, id, """
            [{"inputs":{"n":1,"q":"a"},"expectations":{"y":2},"tags":{"mlflow.user":"bob"}},{"inputs":{"q":"c"}},{"inputs":{"q":"c"},"outputs":"late"}]
            """));
        var records = await RecordsAsync(project, $"datasets/{id}/records");
        Assert.Equal(3, records.Count);
        Assert.Equal("""{"x":1,"y":2}""", records[0]!["expectations"]!.ToJsonString());
        Assert.Equal(("tr-1", "TRACE", "bob"), ((string)records[0]!["source_id"]!, (string)records[0]!["source_type"]!, (string)records[0]!["last_updated_by"]!));
        Assert.Equal("\0", (string)records[1]!["inputs"]!["q"]!);
        Assert.Equal("late", (string)records[2]!["outputs"]!);

        var dataset = await GetAsync(project, id);
        Assert.Equal(3, (int)JsonNode.Parse((string)dataset["profile"]!)!["num_records"]!);
        Assert.Equal("integer", (string)JsonNode.Parse((string)dataset["schema"]!)!["inputs"]!["n"]!);

        var page = await project.MLflow.GetAsync($"datasets/{id}/records?max_results=2");
        var next = await RecordsAsync(project, $"datasets/{id}/records?max_results=2&page_token={Uri.EscapeDataString((string)page["next_page_token"]!)}");
        Assert.Equal("c", (string)Assert.Single(next)!["inputs"]!["q"]!);
        foreach (var wrong in (string[])["{}", "[1]", "[{\"inputs\":1}]", "["])
        {
            await project.MLflow.ErrorAsync($"datasets/{id}/records", new { records = wrong }, HttpStatusCode.BadRequest, Invalid);
        }

        await project.MLflow.ErrorAsync("datasets/none/records", new { records = "[]" }, HttpStatusCode.NotFound, Missing);
        Assert.Equal(3, (await RecordsAsync(project, $"datasets/{id}/records")).Count);
    }

    [Fact]
    public async Task Records_that_are_sent_at_once_are_there_once()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var id = (string)(await CreateAsync(project, "set", "{}"))["dataset_id"]!;
        var counts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => UpsertAsync(project, id, """[{"inputs":{"q":1}},{"inputs":{"q":2}}]""")));
        Assert.Equal((2, 14), (counts.Sum(static count => count.Inserted), counts.Sum(static count => count.Updated)));
        Assert.Equal(2, (await RecordsAsync(project, $"datasets/{id}/records")).Count);
    }

    [Fact]
    public async Task A_scorer_has_versions_and_its_numbers_are_not_used_again()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var registered = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => RegisterAsync(project, "judge", $"{{\"i\":{i}}}")));
        Assert.Equal([1, 2, 3, 4], registered.Order());
        Assert.Equal([4], (await ScorersAsync(project, "list")).Select(static scorer => (int)scorer!["scorer_version"]!));
        await project.MLflow.PostAsync("scorers/delete", new { experiment_id = project.Experiment, name = "judge", version = 4 }, "DELETE");
        Assert.Equal(5, await RegisterAsync(project, "judge", "{}"));
        Assert.Equal([1, 2, 3, 5], (await ScorersAsync(project, "versions", "&name=judge")).Select(static scorer => (int)scorer!["scorer_version"]!));
        var newest = (await project.MLflow.GetAsync($"scorers/get?experiment_id={project.Experiment}&name=judge"))["scorer"]!;
        Assert.Equal(("judge", 5, "{}"), ((string)newest["scorer_name"]!, (int)newest["scorer_version"]!, (string)newest["serialized_scorer"]!));
        await project.MLflow.ErrorAsync($"scorers/get?experiment_id={project.Experiment}&name=judge&version=4", null, HttpStatusCode.NotFound, Missing);
        await project.MLflow.PostAsync("scorers/delete", new { experiment_id = project.Experiment, name = "judge" }, "DELETE");
        Assert.Empty(await ScorersAsync(project, "list"));
        await project.MLflow.ErrorAsync("scorers/delete", new { experiment_id = project.Experiment, name = "judge" }, HttpStatusCode.NotFound, Missing, "DELETE");
        await project.MLflow.ErrorAsync("scorers/register", new { experiment_id = "nothing", name = "judge", serialized_scorer = "{}" }, HttpStatusCode.NotFound, Missing);
    }

    private static async Task<JsonObject> CreateAsync(TraceFixture project, string name, string tags, params string[] experiments)
        => (await project.MLflow.PostAsync("datasets/create", new { name, tags, experiment_ids = experiments }))["dataset"]!.AsObject();

    private static async Task<JsonObject> GetAsync(TraceFixture project, string id) => (await project.MLflow.GetAsync($"datasets/{id}"))["dataset"]!.AsObject();

    private static async Task<List<string>> SearchAsync(TraceFixture project, object body)
        => [.. (await project.MLflow.PostAsync("datasets/search", body))["datasets"]!.AsArray().Select(static dataset => (string)dataset!["name"]!)];

    private static async Task<(int Inserted, int Updated)> UpsertAsync(TraceFixture project, string id, string records)
    {
        var answer = await project.MLflow.PostAsync($"datasets/{id}/records", new { records });
        return ((int)answer["inserted_count"]!, (int)answer["updated_count"]!);
    }

    private static async Task<JsonArray> RecordsAsync(TraceFixture project, string path)
        => JsonNode.Parse((string)(await project.MLflow.GetAsync(path))["records"]!)!.AsArray();

    private static async Task<int> RegisterAsync(TraceFixture project, string name, string serialized)
        => (int)(await project.MLflow.PostAsync("scorers/register", new { experiment_id = project.Experiment, name, serialized_scorer = serialized }))["version"]!;

    private static async Task<JsonArray> ScorersAsync(TraceFixture project, string what, string more = "")
        => (await project.MLflow.GetAsync($"scorers/{what}?experiment_id={project.Experiment}{more}"))["scorers"]!.AsArray();
}
