using System.Text.Json;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Models;
using AiPlatform.IntegrationTests.Functions.Data;

namespace AiPlatform.IntegrationTests.Functions.Registry;

/// <summary>A person with a project and a model, and an administrator.</summary>
internal sealed class RegistryWorld(FunctionsFixture functions, TestUser user, TestUser administrator, string project)
{
    private static readonly JsonElement Signature = JsonSerializer.Deserialize<JsonElement>("""{"inputs":[{"name":"x","type":"double"}]}""");

    public string Project { get; } = project;

    public TestUser User { get; } = user;

    public AiPlatformClient Owner { get; } = Client(functions, user.AccessToken);

    public AiPlatformClient Administrator { get; } = Client(functions, administrator.AccessToken);

    public static async Task<RegistryWorld> CreateAsync(FunctionsFixture functions)
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var world = new RegistryWorld(functions, user, await functions.AdministratorAsync(), project.Id);
        await world.Owner.CreateExperimentAsync(project.Id, new CreateExperimentRequest("exp"), default);
        await world.Owner.CreateModelAsync(project.Id, new CreateModelRequest("digits"), default);
        return world;
    }

    /// <summary>Trains and registers the next version.</summary>
    public async Task<(Run Run, ModelVersion Version)> RegisterAsync(double accuracy, Dictionary<string, string>? tags = null, Dictionary<string, string>? parameters = null)
    {
        var run = await Owner.CreateRunAsync(Project, "exp", new CreateRunRequest(Params: parameters, Tags: tags), default);
        await Owner.LogMetricsAsync(run.Id, new LogMetricsRequest(1, "0-0", 0, [new MetricPoint("recall", 1, accuracy / 2, DateTimeOffset.UtcNow)]), default);
        var content = $"model {run.Id}";
        var file = Blobs.File("model.onnx", content);
        var upload = await Owner.CreateArtifactUploadAsync(run.Id, new ArtifactUploadRequest(file.Path, file.Size, file.Sha256), default);
        await Blobs.UploadAsync(upload.Url, upload.Headers, content);
        await Owner.CommitArtifactAsync(run.Id, new CommitArtifactRequest(file.Path, file.Size, file.Sha256, ArtifactKind.Model), default);
        return (run, await Owner.CreateModelVersionAsync(
            Project, "digits", new CreateModelVersionRequest(run.Id, file.Path, new Dictionary<string, double> { ["accuracy"] = accuracy }, "trained", new Dictionary<string, string> { ["team"] = "a" }, Signature), default));
    }

    public Task<ModelPromotion> RequestAsync(AiPlatformClient client, int version, PromotionTarget target)
        => client.RequestPromotionAsync(Project, "digits", new RequestPromotionRequest(version, target, Comment: "please"), default);

    /// <summary>Expects a refusal.</summary>
    public static async Task<string?> RefusedAsync(Func<Task> call) => (await Assert.ThrowsAsync<Client.ApiException>(call)).Code;

    private static AiPlatformClient Client(FunctionsFixture functions, string token) => new(functions.Client(null), new FixedTokenSource(token), maxAttempts: 1);
}
