using System.Net;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Core;

[Collection(ServersCollection.Name)]
public abstract class BadInputTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : BadInputTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : BadInputTests(functions), IClassFixture<HostedFunctionsFixture>;

    [Theory]
    [InlineData("""{"name":"a","colour":"red"}""", "colour")]
    [InlineData("""{"description":"no name"}""", "name")]
    [InlineData("""{"name":null}""", "name")]
    [InlineData("""{"name":7}""", "name")]
    [InlineData("""{"name":"Upper Case"}""", "name")]
    [InlineData("""{"name":""}""", "name")]
    [InlineData("""{"name":"0123456789abcdef0123456789abcdef"}""", "name")]
    [InlineData("""{"name":"a","description":{}}""", "description")]
    [InlineData("""{"name":"nul","description":"\u0000"}""", "description")]
    public async Task A_bad_field_is_named(string body, string field)
    {
        var user = await functions.CreateUserAsync();
        var problem = await user.Client.PostJsonAsync("/v1/projects", body).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.True(problem.Errors?.ContainsKey(field), $"{string.Join(',', problem.Errors?.Keys ?? [])}: {problem.Detail}");
    }

    [Theory]
    [InlineData("/v1/projects?pageSize=many", "pageSize")]
    [InlineData("/v1/projects?PageSize=9999999999", "PageSize")]
    [InlineData("/v1/runs/{run}/metrics/series?key=loss&buckets=few", "buckets")]
    [InlineData("/v1/runs/{run}/metrics/series?key=loss&buckets=5&smoothing=much", "smoothing")]
    [InlineData("/v1/runs/{run}/metrics?key=loss&pageSize=1.5", "pageSize")]
    public async Task A_query_parameter_that_does_not_parse_is_named(string path, string parameter)
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        await user.Client.PostAsync<Experiment>($"/v1/projects/{project.Id}/experiments", new CreateExperimentRequest("exp"));
        var run = await user.Client.PostAsync<Run>($"/v1/projects/{project.Id}/experiments/exp/runs", new CreateRunRequest());
        var problem = await user.Client.GetAsync(path.Replace("{run}", run.Id, StringComparison.Ordinal)).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Equal(parameter, Assert.Single(problem.Errors!).Key);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"name":"a","name":"b"}""")]
    public async Task What_is_no_such_object_is_refused(string body)
    {
        var user = await functions.CreateUserAsync();
        await user.Client.PostJsonAsync("/v1/projects", body).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task A_body_far_over_the_limit_is_read_to_its_end_so_that_its_sender_sees_why_it_is_refused()
    {
        var user = await functions.CreateUserAsync();
        var body = $$"""{"name":"big","description":"{{new string('x', 24 * 1024 * 1024)}}"}""";
        for (var repeat = 0; repeat < 3; repeat++)
        {
            using var chunked = new HttpRequestMessage(HttpMethod.Post, "/v1/projects") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
            chunked.Headers.TransferEncodingChunked = true;
            await user.Client.SendAsync(chunked).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, ErrorCodes.PayloadTooLarge);
        }
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused_with_and_without_a_length()
    {
        var user = await functions.CreateUserAsync();
        var body = $$"""{"name":"big","description":"{{new string('x', 1024 * 1024)}}"}""";
        await user.Client.PostJsonAsync("/v1/projects", body).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, ErrorCodes.PayloadTooLarge);

        using var chunked = new HttpRequestMessage(HttpMethod.Post, "/v1/projects") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        chunked.Headers.TransferEncodingChunked = true;
        await user.Client.SendAsync(chunked).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, ErrorCodes.PayloadTooLarge);
    }

    [Fact]
    public async Task Another_media_type_is_refused()
    {
        var user = await functions.CreateUserAsync();
        await user.Client.PostAsync("/v1/projects", new StringContent("name=a", Encoding.UTF8, "application/x-www-form-urlencoded"))
            .ProblemAsync(HttpStatusCode.UnsupportedMediaType, ErrorCodes.UnsupportedMediaType);
    }

    [Fact]
    public async Task Unknown_routes_and_methods_are_problems_too()
    {
        await functions.Anonymous.GetAsync("/v1/nothing").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await functions.Anonymous.DeleteAsync("/v1/auth/login").ProblemAsync(HttpStatusCode.MethodNotAllowed, ErrorCodes.MethodNotAllowed);
    }

    [Theory]
    [InlineData("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", "不存在")]
    [InlineData("en-GB,zh;q=0.5", "en", "There is no")]
    [InlineData("fr", "en", "There is no")]
    [InlineData("fr,zh-TW;q=0.5", "zh-CN", "不存在")]
    public async Task Problems_speak_the_callers_language(string accepted, string language, string words)
    {
        var user = await functions.CreateUserAsync();
        var answer = user.Client.SendJsonAsync(HttpMethod.Get, "/v1/projects/unknown", null, ("Accept-Language", accepted));
        var problem = await answer.ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Equal(language, (await answer).Content.Headers.ContentLanguage.Single());
        Assert.Contains(words, problem.Detail, StringComparison.Ordinal);
    }
}
