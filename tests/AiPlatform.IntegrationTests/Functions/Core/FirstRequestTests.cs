using System.Net.Http.Json;
using AiPlatform.IntegrationTests.Functions.MLflow;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>What is made at its first use is made once, when several first requests meet, in two instances of the app.</summary>
[Collection(ServersCollection.Name)]
public sealed class FirstRequestTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const int Requests = 8;
    private const int Rounds = 5;

    [Fact]
    public Task The_default_project_and_experiment_of_MLflow_clients()
        => MeetAsync(
            "runs",
            (client, _) => client.PostAsJsonAsync("/api/2.0/mlflow/runs/create", new { }),
            async client => Assert.Single((await client.GetAsync<Contracts.Page<Contracts.Projects.Project>>("/v1/projects")).Items));

    [Fact]
    public Task The_default_experiment_of_a_named_project()
        => MeetAsync(
            "named",
            (client, project) => client.GetAsync($"/p/{project}/api/2.0/mlflow/experiments/get?experiment_id=0"),
            async client => Assert.Single((await new MLflowClient(client, $"/p/{(await OnlyProjectAsync(client)).Name}/api/2.0/mlflow/").GetAsync("experiments/search?max_results=10"))["experiments"]!.AsArray()),
            withProject: true);

    [Fact]
    public Task An_experiment_named_default_becomes_the_default_one()
        => MeetAsync(
            "adopted",
            async (client, project) =>
            {
                using var created = await client.PostAsJsonAsync($"/v1/projects/{project}/experiments", new { name = "default" });
                return await client.PostAsJsonAsync($"/p/{project}/api/2.0/mlflow/runs/create", new { experiment_id = "0" });
            },
            async client => Assert.Single((await client.GetAsync<Contracts.Page<Contracts.Experiments.Experiment>>($"/v1/projects/{(await OnlyProjectAsync(client)).Id}/experiments")).Items),
            withProject: true);

    [Fact]
    public Task The_experiment_of_a_job()
        => MeetAsync(
            "job",
            (client, project) => client.PostAsJsonAsync($"/v1/projects/{project}/jobs", new { recipe = "image-classifier", experiment = "fresh" }),
            async client => Assert.Single((await client.GetAsync<Contracts.Page<Contracts.Experiments.Experiment>>($"/v1/projects/{(await OnlyProjectAsync(client)).Id}/experiments")).Items),
            withProject: true);

    [Fact]
    public async Task The_queue_of_a_project_on_a_pool()
    {
        var administrator = await functions.AdministratorAsync();
        await MeetAsync(
            "queue",
            (_, project) => administrator.Client.PutAsJsonAsync($"/v1/queues/{project}/default", new { }),
            static _ => Task.CompletedTask,
            withProject: true);
    }

    private static async Task<Contracts.Projects.Project> OnlyProjectAsync(HttpClient client)
        => Assert.Single((await client.GetAsync<Contracts.Page<Contracts.Projects.Project>>("/v1/projects")).Items);

    private async Task MeetAsync(string name, Func<HttpClient, string, Task<HttpResponseMessage>> send, Func<HttpClient, Task> check, bool withProject = false)
    {
        await using var other = await functions.StartAnotherAsync();
        for (var round = 0; round < Rounds; round++)
        {
            var user = await functions.CreateUserAsync();
            var project = withProject ? (await functions.CreateProjectAsync(user.Client)).Name : string.Empty;
            using var elsewhere = other.CreateClient(user.AccessToken);
            var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var answers = Enumerable.Range(0, Requests).Select(async i =>
            {
                await go.Task;
                return await send(i % 2 == 0 ? user.Client : elsewhere, project);
            }).ToList();
            go.SetResult();
            foreach (var answer in await Task.WhenAll(answers))
            {
                Assert.True(answer.IsSuccessStatusCode, $"{name}, {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
                answer.Dispose();
            }

            await check(user.Client);
        }
    }
}
