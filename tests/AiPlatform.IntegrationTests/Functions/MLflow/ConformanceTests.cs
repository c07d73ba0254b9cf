using AiPlatform.Contracts.Identity;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.IntegrationTests.TaskHub;

namespace AiPlatform.IntegrationTests.Functions.MLflow;

/// <summary>A third-party MLflow client, unchanged, and the documented requests of MLflow's own clients against our server.</summary>
[Collection(TrackingCollection.Name)]
public sealed class ConformanceTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public Task A_third_party_client_and_the_documented_requests_work_unchanged() => RunAsync("mlflow.test.mjs");

    [Fact]
    public Task The_exporters_of_OpenTelemetry_work_unchanged() => RunAsync("traces.test.mjs");

    private async Task RunAsync(string script)
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var token = await user.Client.PostAsync<CreatedAccessToken>("/v1/users/me/tokens", new CreateAccessTokenRequest("conformance"));
        await Conformance.RunAsync(
            script, ("MLFLOW_ADDRESS", new Uri(functions.App.Address, $"/p/{project.Name}").ToString()), ("MLFLOW_TRACKING_TOKEN", token.Token));
    }
}
