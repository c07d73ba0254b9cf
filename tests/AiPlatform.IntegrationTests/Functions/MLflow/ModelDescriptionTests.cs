using System.Text;
using System.Text.Json;
using AiPlatform.Contracts.Identity;
using AiPlatform.Contracts.Models;
using AiPlatform.IntegrationTests.Servers;
using Azure.Storage.Blobs;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

/// <summary>Signatures and input examples that versions take from the <c>MLmodel</c> file of what they are registered from.</summary>
[Collection(TrackingCollection.Name)]
public sealed class ModelDescriptionTests(FunctionsFixture functions, PostgresFixture postgres, AzuriteFixture azurite) : IClassFixture<FunctionsFixture>
{
    private const string Head = """
        artifact_path: model
        flavors:
          python_function:
            env:
              conda: conda.yaml
              virtualenv: python_env.yaml
            loader_module: mlflow.sklearn
            model_path: model.pkl
            predict_fn: predict
            python_version: 3.11.9
          sklearn:
            code: null
            pickled_model: model.pkl
            serialization_format: cloudpickle
            sklearn_version: 1.5.2
        mlflow_version: 2.17.2
        model_size_bytes: 1432
        model_uuid: 0badaf06aa254da9811188d6c060a176

        """;

    private const string Columns = Head + """
        saved_input_example_info:
          artifact_path: input_example.json
          pandas_orient: split
          serving_input_path: serving_input_example.json
          type: dataframe
        signature:
          inputs: '[{"type": "double", "name": "sepal length (cm)", "required": true}, {"type":
            "double", "name": "sepal width (cm)", "required": true}]'
          outputs: '[{"type": "long", "required": true}]'
          params: '[{"name": "temperature", "type": "float", "default": 0.5, "shape": null}]'
        utc_time_created: '2024-10-17 20:29:00.995838'
        """;

    private const string Tensors = Head + """
        is_signature_from_type_hint: false
        model_id: m-0badaf06aa254da9811188d6c060a176
        prompts: null
        signature:
          inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28, 28]}}]'
          outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 10]}}]'
          params: null
        type_hint_from_example: false
        """;

    private const string Example = """{"columns": ["sepal length (cm)", "sepal width (cm)"], "data": [[5.1, 3.5]]}""";

    [Fact]
    public async Task Versions_take_column_signatures_and_examples_from_the_files_of_their_run()
    {
        var world = await WorldAsync();
        var run = await world.MLflow.RunAsync();
        await world.PutAsync($"0/{run}/artifacts/model/MLmodel", Columns);
        await world.PutAsync($"0/{run}/artifacts/model/input_example.json", Example);
        await world.PutAsync($"0/{run}/artifacts/model/data/model.pkl", "weights");
        string[] sources = [$"mlflow-artifacts:/0/{run}/artifacts/model", $"mlflow-artifacts://localhost/0/{run}/artifacts/model/data/model.pkl", $"runs:/{run}/model"];
        foreach (var source in sources)
        {
            AssertColumns(await world.CreateAsync(new { name = "net", source, run_id = run }));
        }

        // The native API registers one file of the folder; what the caller says is better known than what the file says.
        AssertColumns(await world.RegisterAsync(new CreateModelVersionRequest(run, "model/data/model.pkl")));
        AssertColumns(await world.RegisterAsync(new CreateModelVersionRequest(run, "model/MLmodel")));
        var given = JsonSerializer.Deserialize<JsonElement>("""{"inputs":[{"name":"mine","type":"long"}]}""");
        var version = await world.RegisterAsync(new CreateModelVersionRequest(run, "model/data/model.pkl", Signature: given));
        Assert.Equal("mine", version.Signature!.Value.GetProperty("inputs")[0].GetProperty("name").GetString());
        Assert.Equal(5.1, version.InputExample!.Value.GetProperty("data")[0][0].GetDouble());
    }

    [Fact]
    public async Task Versions_of_logged_models_take_tensor_signatures_from_the_model()
    {
        var world = await WorldAsync();
        var model = (string)(await world.MLflow.PostAsync("logged-models", new { experiment_id = "0", name = "net" }))["model"]!["info"]!["model_id"]!;
        await world.PutAsync($"0/models/{model}/artifacts/MLmodel", Tensors);
        object[] requests = [new { name = "net", source = $"models:/{model}", model_id = model }, new { name = "net", source = $"models:/{model}" }, new { name = "net", source = $"mlflow-artifacts:/0/models/{model}/artifacts" }];
        foreach (var request in requests)
        {
            var version = await world.CreateAsync(request);
            var signature = version.Signature!.Value;
            Assert.Equal("[-1,28,28]", JsonSerializer.Serialize(signature.GetProperty("inputs")[0].GetProperty("tensor-spec").GetProperty("shape")));
            Assert.Equal("tensor", signature.GetProperty("outputs")[0].GetProperty("type").GetString());
            Assert.False(signature.TryGetProperty("params", out _));
            Assert.Null(version.InputExample);
        }
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_leaves_a_version_without_a_signature()
    {
        var world = await WorldAsync();
        var run = await world.MLflow.RunAsync();
        var wide = string.Join(", ", Enumerable.Range(0, 4_000).Select(static i => $$"""{"type": "double", "name": "column-{{i}}"}"""));
        (string Folder, string Text)[] models =
        [
            ("none", Head),
            ("garbage", "\t{[garbage: ]"),
            ("unknown", Head + "signature:\n  inputs: [1, 2]\n"),
            ("large", Columns + "\n# " + new string('x', 1 << 20)),
            ("wide", Head + $"signature:\n  inputs: '[{wide}]'\n"),
            ("nul", Head + """signature: {inputs: '[{"name": "\u0000"}]'}""" + "\n"),
        ];
        foreach (var (folder, text) in models)
        {
            await world.PutAsync($"0/{run}/artifacts/{folder}/MLmodel", text);
            var version = await world.CreateAsync(new { name = "net", source = $"mlflow-artifacts:/0/{run}/artifacts/{folder}", run_id = run });
            Assert.True((version.Signature, version.InputExample) is (null, null), folder);
            Assert.Null((await world.RegisterAsync(new CreateModelVersionRequest(run, $"{folder}/MLmodel"))).Signature);
        }

        // Examples that are missing, no JSON or elsewhere leave the signature.
        await world.PutAsync($"0/{run}/artifacts/secret.json", "1");
        foreach (var (name, text) in new[] { ("a.npz", "PK\0"), ("missing.json", null), ("../secret.json", null) })
        {
            await world.PutAsync($"0/{run}/artifacts/example/MLmodel", Columns.Replace(": input_example.json", $": {name}", StringComparison.Ordinal));
            if (text is not null)
            {
                await world.PutAsync($"0/{run}/artifacts/example/{name}", text);
            }

            var version = await world.CreateAsync(new { name = "net", source = $"runs:/{run}/example", run_id = run });
            Assert.Equal((true, false), (version.Signature is not null, version.InputExample is not null));
        }

        foreach (var source in new[] { "s3://bucket/model", "plain", "runs:/nothing/model", "mlflow-artifacts:/model", $"runs:/{run}", "models:/net/1" })
        {
            Assert.Null((await world.CreateAsync(new { name = "net", source })).Signature);
        }
    }

    [Fact]
    public async Task Nothing_is_read_from_a_run_that_the_caller_does_not_reach()
    {
        var owner = await WorldAsync();
        var run = await owner.MLflow.RunAsync();
        await owner.PutAsync($"0/{run}/artifacts/model/MLmodel", Columns);
        var stranger = await WorldAsync();
        Assert.Null((await stranger.CreateAsync(new { name = "net", source = $"mlflow-artifacts:/0/{run}/artifacts/model" })).Signature);
        Assert.Null((await stranger.CreateAsync(new { name = "net", source = $"runs:/{run}/model" })).Signature);
    }

    [Fact]
    public async Task Models_below_an_artifact_root_are_read_where_their_clients_wrote_them()
    {
        var root = Directory.CreateTempSubdirectory("aip-models-").FullName;
        try
        {
            await using var app = await StartAsync($"file://{root}");
            var world = await WorldAsync(app);
            var (run, uri) = await world.DirectRunAsync();
            var folder = new Uri(uri).LocalPath;
            Directory.CreateDirectory(Path.Combine(folder, "model"));
            Directory.CreateDirectory(Path.Combine(root, "elsewhere"));
            await File.WriteAllTextAsync(Path.Combine(folder, "model", "MLmodel"), Columns);
            await File.WriteAllTextAsync(Path.Combine(folder, "model", "input_example.json"), Example);
            await File.WriteAllTextAsync(Path.Combine(root, "elsewhere", "MLmodel"), Columns);
            Directory.CreateSymbolicLink(Path.Combine(folder, "link"), Path.Combine(root, "elsewhere"));
            AssertColumns(await world.CreateAsync(new { name = "net", source = $"{uri}/model", run_id = run }));
            AssertColumns(await world.CreateAsync(new { name = "net", source = $"runs:/{run}/model", run_id = run }));
            Assert.Null((await world.CreateAsync(new { name = "net", source = $"{uri}/link", run_id = run })).Signature);
            await world.MLflow.ErrorAsync("model-versions/create", new { name = "net", source = $"{uri}/model" }, System.Net.HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
            await world.MLflow.ErrorAsync("model-versions/create", new { name = "net", source = $"file://{root}/elsewhere", run_id = run }, System.Net.HttpStatusCode.BadRequest, "INVALID_PARAMETER_VALUE");
            Assert.Empty((await world.MLflow.GetAsync($"artifacts/list?run_id={run}&path=link"))["files"]!.AsArray());
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }

        var container = new BlobServiceClient(azurite.ConnectionString).GetBlobContainerClient($"mlflow-{Guid.NewGuid():N}"[..30]);
        await container.CreateAsync();
        await using var other = await StartAsync($"wasbs://{container.Name}@devstoreaccount1.blob.core.windows.net/root");
        var blobs = await WorldAsync(other);
        var (second, place) = await blobs.DirectRunAsync();
        var prefix = new Uri(place).AbsolutePath.Trim('/');
        await container.UploadBlobAsync($"{prefix}/my model/MLmodel", new BinaryData(Columns));
        await container.UploadBlobAsync($"{prefix}/my model/input_example.json", new BinaryData(Example));
        AssertColumns(await blobs.CreateAsync(new { name = "net", source = $"{place}/my model", run_id = second }));
    }

    private static void AssertColumns(ModelVersion version)
    {
        var signature = version.Signature!.Value;
        Assert.Equal(["sepal length (cm)", "sepal width (cm)"], signature.GetProperty("inputs").EnumerateArray().Select(column => column.GetProperty("name").GetString()));
        Assert.Equal("long", signature.GetProperty("outputs")[0].GetProperty("type").GetString());
        Assert.Equal(0.5, signature.GetProperty("params")[0].GetProperty("default").GetDouble());
        Assert.Equal(5.1, version.InputExample!.Value.GetProperty("data")[0][0].GetDouble());
    }

    private async Task<FunctionsInstance> StartAsync(string root)
        => await FunctionsInstance.StartAsync(new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal)
        {
            ["ConnectionStrings:Postgres"] = await postgres.CreateMigratedAsync("models"),
            ["MLflow:ArtifactRoot"] = root,
        });

    private async Task<World> WorldAsync() => await World.CreateAsync((await functions.CreateUserAsync()).Client);

    private static async Task<World> WorldAsync(FunctionsInstance app)
    {
        using var anonymous = app.CreateClient();
        var tokens = await anonymous.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("models", TestUser.Password));
        return await World.CreateAsync(app.CreateClient(tokens.AccessToken));
    }

    /// <summary>A person with a registered model.</summary>
    private sealed record World(HttpClient Client, MLflowClient MLflow, string Project)
    {
        public static async Task<World> CreateAsync(HttpClient client)
        {
            var mlflow = new MLflowClient(client);
            await mlflow.PostAsync("registered-models/create", new { name = "net" });
            var projects = await client.GetAsync<Contracts.Page<Contracts.Projects.Project>>("/v1/projects");
            return new World(client, mlflow, projects.Items.Single().Id);
        }

        public async Task PutAsync(string path, string text)
        {
            using var response = await Client.PutAsync($"/api/2.0/mlflow-artifacts/artifacts/{path}", new ByteArrayContent(Encoding.UTF8.GetBytes(text)));
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        }

        public async Task<(string Run, string Uri)> DirectRunAsync()
        {
            var run = (await MLflow.PostAsync("runs/create", new { experiment_id = "0" }))["run"]!["info"]!;
            return ((string)run["run_id"]!, (string)run["artifact_uri"]!);
        }

        public async Task<ModelVersion> CreateAsync(object request)
        {
            var version = (await MLflow.PostAsync("model-versions/create", request))["model_version"]!;
            Assert.Equal("READY", (string)version["status"]!);
            return await Client.GetAsync<ModelVersion>($"/v1/projects/{Project}/models/net/versions/{version["version"]}");
        }

        public async Task<ModelVersion> RegisterAsync(CreateModelVersionRequest request)
        {
            var version = await Client.PostAsync<ModelVersion>($"/v1/projects/{Project}/models/net/versions", request);
            return await Client.GetAsync<ModelVersion>($"/v1/projects/{Project}/models/net/versions/{version.Version}");
        }
    }
}
