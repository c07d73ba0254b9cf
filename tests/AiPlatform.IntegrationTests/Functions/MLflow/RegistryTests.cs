using System.Net;
using System.Text.Json.Nodes;
using AiPlatform.Contracts.Models;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

[Collection(TrackingCollection.Name)]
public sealed class RegistryTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Invalid = "INVALID_PARAMETER_VALUE";
    private const string Missing = "RESOURCE_DOES_NOT_EXIST";

    [Fact]
    public async Task Models_and_versions_live_with_tags_aliases_and_stages()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        await mlflow.PostAsync("registered-models/create", new { name = "digits net", tags = new[] { new { key = "team", value = "a" } } });
        await mlflow.ErrorAsync("registered-models/create", new { name = "digits net" }, HttpStatusCode.BadRequest, "RESOURCE_ALREADY_EXISTS");
        await mlflow.ErrorAsync("registered-models/create", new { name = "a/b" }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.PostAsync("registered-models/rename", new { name = "digits net", new_name = "digits" });
        await mlflow.PostAsync("registered-models/update", new { name = "digits", description = "ten classes" }, "PATCH");
        await mlflow.PostAsync("registered-models/set-tag", new { name = "digits", key = "x", value = "1" });
        await mlflow.PostAsync("registered-models/delete-tag", new { name = "digits", key = "x" }, "DELETE");
        for (var i = 1; i <= 3; i++)
        {
            var version = (await mlflow.PostAsync("model-versions/create", new { name = "digits", source = $"mlflow-artifacts:/0/{run}/artifacts/model", run_id = run, tags = new[] { new { key = "n", value = $"{i}" } } }))["model_version"]!;
            Assert.Equal(($"{i}", "READY", "None"), ((string)version["version"]!, (string)version["status"]!, (string)version["current_stage"]!));
        }

        await mlflow.ErrorAsync("model-versions/create", new { name = "digits", source = "../../etc" }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.ErrorAsync("model-versions/create", new { name = "digits", source = "file:///etc" }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.ErrorAsync("model-versions/create", new { name = "nothing", source = "s3://b/k" }, HttpStatusCode.NotFound, Missing);
        await mlflow.PostAsync("model-versions/transition-stage", new { name = "digits", version = "1", stage = "production" });
        var moved = (await mlflow.PostAsync("model-versions/transition-stage", new { name = "digits", version = "2", stage = "Production", archive_existing_versions = true }))["model_version"]!;
        Assert.Equal("Production", (string)moved["current_stage"]!);
        Assert.Equal("Archived", (string)(await mlflow.GetAsync("model-versions/get?name=digits&version=1"))["model_version"]!["current_stage"]!);
        await mlflow.ErrorAsync("model-versions/transition-stage", new { name = "digits", version = "2", stage = "Moon" }, HttpStatusCode.BadRequest, Invalid);
        var latest = (await mlflow.PostAsync("registered-models/get-latest-versions", new { name = "digits", stages = new[] { "Production", "none" } }))["model_versions"]!.AsArray();
        Assert.Equal(["2", "3"], latest.Select(version => (string)version!["version"]!));

        await mlflow.PostAsync("registered-models/alias", new { name = "digits", alias = "champion", version = "2" });
        Assert.Equal("2", (string)(await mlflow.GetAsync("registered-models/alias?name=digits&alias=Champion"))["model_version"]!["version"]!);
        await mlflow.ErrorAsync("registered-models/alias", new { name = "digits", alias = "latest", version = "2" }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.ErrorAsync("registered-models/alias", new { name = "digits", alias = "v12", version = "2" }, HttpStatusCode.BadRequest, Invalid);
        await mlflow.ErrorAsync("registered-models/alias?name=digits&alias=other", null, HttpStatusCode.BadRequest, Invalid);
        var model = (await mlflow.GetAsync("registered-models/get?name=digits"))["registered_model"]!;
        Assert.Equal(("ten classes", "champion", 1), ((string)model["description"]!, (string)model["aliases"]![0]!["alias"]!, model["tags"]!.AsArray().Count));

        Assert.Equal(["3", "2", "1"], await VersionsAsync(mlflow, "name='digits'&order_by=version_number DESC"));
        Assert.Equal(["2"], await VersionsAsync(mlflow, "tags.n = '2'"));
        Assert.Equal(3, (await VersionsAsync(mlflow, $"run_id IN ('{run}')")).Count);
        Assert.Single((await mlflow.GetAsync($"registered-models/search?filter={Uri.EscapeDataString("name LIKE 'dig%' AND tags.team = 'a'")}"))["registered_models"]!.AsArray());
        Assert.Single((await mlflow.GetAsync("registered-models/list"))["registered_models"]!.AsArray());
        Assert.Equal($"mlflow-artifacts:/0/{run}/artifacts/model", (string)(await mlflow.GetAsync("model-versions/get-download-uri?name=digits&version=2"))["artifact_uri"]!);

        var native = await user.Client.GetAsync<Contracts.Page<ModelVersion>>($"/v1/projects/{project.Id}/models/digits/versions");
        Assert.Equal([3, 2, 1], native.Items.Select(version => version.Version));
        Assert.Equal(run, native.Items[0].Lineage.RunId);

        await mlflow.PostAsync("model-versions/delete", new { name = "digits", version = "2" }, "DELETE");
        await mlflow.ErrorAsync("model-versions/get?name=digits&version=2", null, HttpStatusCode.NotFound, Missing);
        await mlflow.ErrorAsync("registered-models/alias?name=digits&alias=champion", null, HttpStatusCode.BadRequest, Invalid);
        await mlflow.PostAsync("registered-models/delete", new { name = "digits" }, "DELETE");
        await mlflow.ErrorAsync("registered-models/get?name=digits", null, HttpStatusCode.NotFound, Missing);
    }

    [Fact]
    public async Task Logged_models_carry_params_tags_metrics_and_files()
    {
        var user = await functions.CreateUserAsync();
        var mlflow = new MLflowClient(user.Client);
        var run = await mlflow.RunAsync();
        var model = (await mlflow.PostAsync("logged-models", new { experiment_id = "0", name = "net", model_type = "onnx", source_run_id = run, @params = new[] { new { key = "depth", value = "3" } } }))["model"]!;
        var id = (string)model["info"]!["model_id"]!;
        Assert.Equal("LOGGED_MODEL_PENDING", (string)model["info"]!["status"]!);
        Assert.Equal("LOGGED_MODEL_READY", (string)(await mlflow.PostAsync($"logged-models/{id}", new { model_id = id, status = "LOGGED_MODEL_READY" }, "PATCH"))["model"]!["info"]!["status"]!);
        await mlflow.PostAsync($"logged-models/{id}/tags", new { tags = new[] { new { key = "a", value = "1" }, new { key = "b", value = "2" } } }, "PATCH");
        await mlflow.PostAsync($"logged-models/{id}/tags/b", new { }, "DELETE");
        await mlflow.PostAsync($"logged-models/{id}/params", new { @params = new[] { new { key = "width", value = "8" }, new { key = "depth", value = "9" } } });
        await mlflow.PostAsync("runs/log-batch", new { run_id = run, metrics = new[] { new { key = "acc", value = 0.9, timestamp = 1, step = 0, model_id = id, dataset_name = "val", dataset_digest = "d" } } });
        await mlflow.PostAsync("runs/outputs", new { run_id = run, models = new[] { new { model_id = id, step = 4 } } });

        using (var put = await user.Client.PutAsync($"/api/2.0/mlflow-artifacts/artifacts/0/models/{id}/artifacts/MLmodel", new StringContent("flavors:")))
        {
            Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        }

        Assert.Equal("MLmodel", (string)(await mlflow.GetAsync($"logged-models/{id}/artifacts/directories"))["files"]![0]!["path"]!);
        var read = (await mlflow.GetAsync($"logged-models/{id}"))["model"]!;
        Assert.Equal(["depth=3", "width=8"], read["data"]!["params"]!.AsArray().Select(pair => $"{pair!["key"]}={pair["value"]}"));
        Assert.Equal(("acc", 0.9, "val"), ((string)read["data"]!["metrics"]![0]!["key"]!, (double)read["data"]!["metrics"]![0]!["value"]!, (string)read["data"]!["metrics"]![0]!["dataset_name"]!));
        Assert.Single(read["info"]!["tags"]!.AsArray());
        Assert.Equal(id, (string)(await mlflow.GetAsync($"runs/get?run_id={run}"))["run"]!["outputs"]!["model_outputs"]![0]!["model_id"]!);
        Assert.Single(await FoundAsync(mlflow, "metrics.acc > 0.5 AND params.depth = '3' AND tags.a = '1' AND name = 'net'"));
        Assert.Empty(await FoundAsync(mlflow, "metrics.acc > 0.95"));
        await mlflow.PostAsync($"logged-models/{id}", new { }, "DELETE");
        await mlflow.ErrorAsync($"logged-models/{id}", null, HttpStatusCode.NotFound, Missing);
        await mlflow.ErrorAsync("logged-models", new { experiment_id = "0", name = "a/b" }, HttpStatusCode.BadRequest, Invalid);
    }

    private static async Task<JsonArray> FoundAsync(MLflowClient mlflow, string filter)
        => (await mlflow.PostAsync("logged-models/search", new { experiment_ids = new[] { "0" }, filter, order_by = new[] { new { field_name = "metrics.acc", ascending = false } } }))["models"]!.AsArray();

    private static async Task<List<string>> VersionsAsync(MLflowClient mlflow, string filter)
        => [.. (await mlflow.GetAsync($"model-versions/search?filter={filter.Replace("=", "%3D", StringComparison.Ordinal).Replace("&order_by%3D", "&order_by=", StringComparison.Ordinal)}"))["model_versions"]!.AsArray()
            .Select(version => (string)version!["version"]!)];
}
