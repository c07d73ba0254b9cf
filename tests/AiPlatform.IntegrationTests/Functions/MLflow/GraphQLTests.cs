using System.Text.Json.Nodes;
using AiPlatform.IntegrationTests.Functions.MLflow.Traces;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

[Collection(TrackingCollection.Name)]
public sealed class GraphQLTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task Fields_of_runs_their_experiment_and_their_versions_are_given_out_as_they_are_selected()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var run = await project.MLflow.RunAsync(project.Experiment);
        await project.MLflow.PostAsync("runs/log-metric", new { run_id = run, key = "loss", value = "NaN", timestamp = 5, step = 2 });
        await project.MLflow.PostAsync("registered-models/create", new { name = "net" });
        await project.MLflow.PostAsync("model-versions/create", new { name = "net", source = $"mlflow-artifacts:/0/{run}/artifacts/model", run_id = run });
        var answer = await QueryAsync(
            project,
            "query Q($id: String) { mine: mlflowGetRun(input: {runId: $id}) { run { info { status } data { metrics { key value timestamp step } } experiment { name } modelVersions { name version } } } }",
            new { id = run });
        Assert.Null(answer["errors"]);
        Assert.Equal(
            """{"run":{"info":{"status":"RUNNING"},"data":{"metrics":[{"key":"loss","value":null,"timestamp":"5","step":"2"}]},"experiment":{"name":"traces"},"modelVersions":[{"name":"net","version":"1"}]}}""",
            answer["data"]!["mine"]!.ToJsonString());
        var found = await QueryAsync(project, $$"""mutation { mlflowSearchRuns(input: {experimentIds: ["{{project.Experiment}}"]}) { runs { info { runId } } } }""");
        Assert.Equal(run, (string)found["data"]!["mlflowSearchRuns"]!["runs"]![0]!["info"]!["runId"]!);
    }

    [Fact]
    public async Task Errors_say_what_is_wrong_and_others_runs_do_not_exist()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var stranger = await TraceFixture.CreateAsync(functions);
        var run = await stranger.MLflow.RunAsync(stranger.Experiment);
        var answer = await QueryAsync(project, $$"""{ mlflowGetRun(input: {runId: "{{run}}"}) { run { info { runId } } } }""");
        Assert.Null(answer["data"]!["mlflowGetRun"]);
        Assert.Contains("not found", (string)Assert.Single(answer["errors"]!.AsArray())!, StringComparison.Ordinal);
        answer = await QueryAsync(project, "{ mlflowMoon { a } }");
        Assert.Null(answer["data"]);
        Assert.Equal("Cannot query field 'mlflowMoon'.", (string)answer["errors"]![0]!);
    }

    private static Task<JsonObject> QueryAsync(TraceFixture project, string query, object? variables = null)
        => new MLflowClient(project.Http, $"{project.Root}/").PostAsync("graphql", new { query, variables });
}
