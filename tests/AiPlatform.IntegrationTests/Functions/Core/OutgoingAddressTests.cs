using System.Net;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Identity;
using AiPlatform.Contracts.Queues;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>Addresses for later that lead into private networks are refused when they are given; guessing the secrets of services is slow.</summary>
[Collection(ServersCollection.Name)]
public sealed class OutgoingAddressTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    public static TheoryData<string> Private()
        => ["http://127.0.0.1:5432/", "http://localhost/x", "http://[::1]/", "http://169.254.169.254/metadata", "http://10.1.2.3/", "http://192.168.0.1/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://2130706433/"];

    [Theory]
    [MemberData(nameof(Private))]
    public async Task Tasks_schedules_and_imports_may_not_name_private_addresses(string url)
    {
        var user = await functions.CreateUserAsync();
        var project = (await functions.CreateProjectAsync(user.Client)).Name;
        var payload = JsonSerializer.SerializeToElement(new { url });
        var task = new SubmitTaskRequest(TaskHandlers.Http, payload);
        await user.Client.PostAsync<Dataset>($"/v1/projects/{project}/datasets", new CreateDatasetRequest("data"));
        (string Path, object Body, string Field)[] requests =
        [
            ($"/v1/queues/{project}/default/tasks", task, "payload.url"),
            ($"/v1/queues/{project}/default/tasks/bulk", new SubmitTasksRequest([new SubmitTaskRequest(TaskHandlers.Noop), task]), "tasks[1].payload.url"),
            ($"/v1/queues/{project}/default/schedules", new CreateTaskScheduleRequest("s", "0 0 * * *", task), "task.payload.url"),
            ($"/v1/projects/{project}/datasets/data/imports", new CreateDatasetImportRequest(Url: new ImportUrl(url)), "url.url"),
            ($"/v1/projects/{project}/datasets/data/imports", new CreateDatasetImportRequest(Container: new ImportContainer(Url: url)), "container.url"),
        ];
        foreach (var (path, body, field) in requests)
        {
            var problem = await user.Client.SendJsonAsync(HttpMethod.Post, path, body).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
            Assert.Equal(field, problem.Errors!.Keys.Single());
            Assert.Contains("private network", problem.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Wrong_secrets_of_services_are_slowed_down_and_right_ones_are_not()
    {
        var limited = false;
        for (var i = 0; i < 40 && !limited; i++)
        {
            using var answer = await functions.Anonymous.SendJsonAsync(HttpMethod.Post, "/v1/auth/service-token", new ServiceTokenRequest("runner", $"guess {i}"));
            limited = answer.StatusCode == HttpStatusCode.TooManyRequests;
            Assert.True(limited || answer.StatusCode == HttpStatusCode.Unauthorized, $"{answer.StatusCode}");
        }

        Assert.True(limited);
        Assert.NotEmpty((await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/service-token", new ServiceTokenRequest("runner", FunctionsFixture.RunnerSecret))).AccessToken);
    }
}
