using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.IntegrationTests.Functions.Data;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Clients;

/// <summary>Answers to what people get wrong at first: each says what is wrong and not only that something is.</summary>
[Collection(DataCollection.Name)]
public sealed class FirstMistakeTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Theory]
    [InlineData("projects")]
    [InlineData("users/me/tokens")]
    [InlineData("auth/login")]
    public async Task A_body_that_is_missing_is_called_missing(string route)
    {
        var user = await functions.CreateUserAsync();
        foreach (var content in new HttpContent?[] { null, new StringContent(string.Empty, System.Text.Encoding.UTF8, "application/json") })
        {
            var problem = await user.Client.PostAsync($"/v1/{route}", content).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
            Assert.Equal("The body is missing.", problem.Detail);
            Assert.Null(problem.Errors);
        }
    }

    [Theory]
    [InlineData("python", "{}", "payload.package", "This field is required.")]
    [InlineData("python", """{"package":"0123456789abcdef0123456789abcdef"}""", "payload.function", "This field is required.")]
    [InlineData("http", """{"url":"https://example.org","colour":1}""", "payload.colour", "Unknown field.")]
    [InlineData("http", """{"url":7}""", "payload.url", "Expected a text, got a number.")]
    public async Task A_payload_that_does_not_fit_is_told_where(string handler, string payload, string field, string detail)
    {
        using var world = await DatasetWorld.CreateAsync(functions);
        var problem = await world.User.Client.PostJsonAsync($"/v1/queues/{world.ProjectId}/default/tasks", $$"""{"handler":"{{handler}}","payload":{{payload}}}""")
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Equal((detail, field), (problem.Detail, Assert.Single(problem.Errors!).Key));
    }

    [Fact]
    public async Task A_job_whose_dataset_is_not_there_has_no_version_or_not_this_one_is_told_which()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "empty", "digits");
        world.Write("digits.csv", "a\n1\n"u8.ToArray());
        await world.UploadAsync("digits");
        await RefusedAsync(new JobDataset("nope"), "There is no dataset \"nope\" in this project.");
        await RefusedAsync(new JobDataset("empty"), "Dataset \"empty\" has no version that is ready.");
        await RefusedAsync(new JobDataset("digits", 9), "There is no version 9 of dataset \"digits\" that is ready.");

        async Task RefusedAsync(JobDataset dataset, string detail)
        {
            var job = new SubmitJobRequest(Code: new JobCode("train.py", new Dictionary<string, string> { ["train.py"] = "print(1)" }), Datasets: [dataset]);
            var problem = await world.User.Client.PostJsonAsync($"/v1/projects/{world.ProjectId}/jobs", job).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
            Assert.Equal((detail, "datasets[0]"), (problem.Detail, Assert.Single(problem.Errors!).Key));
        }
    }

    [Fact]
    public async Task Who_uses_a_version_is_said_in_the_language_of_the_caller()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "digits");
        world.Write("digits.csv", "a\n1\n"u8.ToArray());
        await world.UploadAsync("digits");
        await world.Api.SubmitJobAsync(
            world.ProjectId, new SubmitJobRequest("mine", Code: new JobCode("train.py", new Dictionary<string, string> { ["train.py"] = "print(1)" }), Datasets: [new JobDataset("digits")]), default);
        var problem = await world.User.Client.SendJsonAsync(HttpMethod.Delete, $"{world.Root}/digits/versions/1", null, ("Accept-Language", "zh-CN")).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.InUse);
        Assert.Equal("“digits@1”正在使用中，使用者：作业 mine、运行 mine。", problem.Detail);
    }

    [Fact]
    public async Task A_container_where_none_is_configured_is_told_so()
    {
        using var world = await DatasetWorld.CreateAsync(functions, "digits");
        var problem = await world.User.Client.PostJsonAsync($"{world.Root}/digits/imports", """{"container":{"name":"nope"}}""").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Contains("SAS URL", problem.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("expectations: [\n", "line 2: While parsing a node, did not find expected node content.")]
    [InlineData("- a", "$: is not a mapping.")]
    [InlineData("expectations: 3", "$.expectations: is not a list.")]
    public async Task A_plan_that_cannot_be_read_is_told_where(string plan, string detail)
    {
        using var world = await DatasetWorld.CreateAsync(functions, "digits");
        var problem = await world.User.Client.PutAsync($"{world.Root}/digits/quality-plan", new StringContent(plan, System.Text.Encoding.UTF8, "application/yaml")).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Equal(detail, problem.Detail);
    }
}
