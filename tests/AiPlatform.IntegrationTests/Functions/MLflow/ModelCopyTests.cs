using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Contracts.Projects;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

/// <summary>Versions whose source is another version or a logged model: what MLflow's <c>copy_model_version</c> and <c>register_model</c> send.</summary>
[Collection(TrackingCollection.Name)]
public sealed class ModelCopyTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string File = """
        flavors: {}
        signature:
          inputs: '[{"type": "double", "name": "width"}]'
        """;

    [Fact]
    public async Task A_copy_keeps_files_run_and_signature_when_its_origin_is_deleted()
    {
        var (http, mlflow) = await StartAsync("net", "copy");
        var run = await mlflow.RunAsync();
        await PutAsync(http, $"0/{run}/artifacts/model/MLmodel");
        await CreateAsync(mlflow, new { name = "net", source = $"runs:/{run}/model", run_id = run });

        foreach (var source in new[] { "models:/net/1", "models:/copy/1" })
        {
            var copy = await CreateAsync(mlflow, new { name = "copy", source });
            Assert.Equal((source, run), ((string)copy["source"]!, (string)copy["run_id"]!));
        }

        await mlflow.PostAsync("model-versions/delete", new { name = "net", version = "1" }, "DELETE");
        var project = (await http.GetAsync<Page<Project>>("/v1/projects")).Items.Single().Id;
        foreach (var version in new[] { 1, 2 })
        {
            Assert.Equal($"runs:/{run}/model", await DownloadUriAsync(mlflow, "copy", version));
            var seen = await http.GetAsync<ModelVersion>($"/v1/projects/{project}/models/copy/versions/{version}");
            Assert.Equal("width", seen.Signature!.Value.GetProperty("inputs")[0].GetProperty("name").GetString());
        }
    }

    [Fact]
    public async Task A_version_of_a_logged_model_has_the_run_of_the_model()
    {
        var (http, mlflow) = await StartAsync("net");
        var run = await mlflow.RunAsync();
        var model = (string)(await mlflow.PostAsync("logged-models", new { experiment_id = "0", name = "m", source_run_id = run }))["model"]!["info"]!["model_id"]!;
        await PutAsync(http, $"0/models/{model}/artifacts/MLmodel");
        object[] requests = [new { name = "net", source = $"models:/{model}" }, new { name = "net", source = "s3://bucket/model", model_id = model }, new { name = "net", source = "models:/net/1" }];
        foreach (var request in requests)
        {
            var version = await CreateAsync(mlflow, request);
            Assert.Equal((run, model), ((string)version["run_id"]!, (string)version["model_id"]!));
            Assert.Equal($"mlflow-artifacts:/0/models/{model}/artifacts", await DownloadUriAsync(mlflow, "net", int.Parse((string)version["version"]!, System.Globalization.CultureInfo.InvariantCulture)));
        }
    }

    [Fact]
    public async Task A_copy_of_what_is_not_there_is_refused_and_not_stored()
    {
        var (_, strangers) = await StartAsync("theirs");
        await CreateAsync(strangers, new { name = "theirs", source = "s3://bucket/model" });
        var (_, mlflow) = await StartAsync("net");
        foreach (var (source, reason) in new[]
        {
            ("models:/net/1", "Model Version (name=net, version=1) not found"),
            ("models:/theirs/1", "Model Version (name=theirs, version=1) not found"),
            ("models:/net/Production", "Model version must be an integer, got 'Production'"),
            ("models:/net@champion", "Logged model with ID 'net@champion' not found."),
            ("models:/m-0", "Logged model with ID 'm-0' not found."),
            ("models:/", "Logged model with ID '' not found."),
        })
        {
            Assert.Equal(
                $"Unable to fetch model from model URI source artifact location '{source}'.Error: {reason}",
                await mlflow.ErrorAsync("model-versions/create", new { name = "net", source }, HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE"));
        }

        Assert.Equal("1", (string)(await CreateAsync(mlflow, new { name = "net", source = "s3://bucket/model" }))["version"]!);
    }

    private async Task<(HttpClient Http, MLflowClient MLflow)> StartAsync(params string[] models)
    {
        var http = (await functions.CreateUserAsync()).Client;
        var mlflow = new MLflowClient(http);
        foreach (var name in models)
        {
            await mlflow.PostAsync("registered-models/create", new { name });
        }

        return (http, mlflow);
    }

    private static async Task<JsonNode> CreateAsync(MLflowClient mlflow, object request) => (await mlflow.PostAsync("model-versions/create", request))["model_version"]!;

    private static async Task<string> DownloadUriAsync(MLflowClient mlflow, string name, int version)
        => (string)(await mlflow.GetAsync($"model-versions/get-download-uri?name={name}&version={version}"))["artifact_uri"]!;

    private static async Task PutAsync(HttpClient http, string path)
    {
        using var response = await http.PutAsync($"/api/2.0/mlflow-artifacts/artifacts/{path}", new ByteArrayContent(Encoding.UTF8.GetBytes(File)));
        response.EnsureSuccessStatusCode();
    }
}
