using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Projects;
using AiPlatform.IntegrationTests.Servers;
using Dapper;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Core;

[Collection(ServersCollection.Name)]
public abstract class IdempotencyTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : IdempotencyTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : IdempotencyTests(functions), IClassFixture<HostedFunctionsFixture>;

    private const string Key = "Idempotency-Key";

    [Fact]
    public async Task A_repeat_gives_the_first_answer_on_every_instance_and_creates_nothing()
    {
        var user = await functions.CreateUserAsync();
        var request = new CreateProjectRequest(functions.Name("once"));
        var first = await user.Client.PostJsonAsync("/v1/projects", request, (Key, "k-1"));
        await using var another = await functions.StartAnotherAsync();
        using var other = another.CreateClient(user.AccessToken);
        var second = await other.PostJsonAsync("/v1/projects", request, (Key, "k-1"));

        Assert.Equal(HttpStatusCode.Created, second.StatusCode);
        Assert.Equal(await first.Content.ReadAsStringAsync(), await second.Content.ReadAsStringAsync());
        Assert.Equal((first.Headers.Location, first.Headers.ETag), (second.Headers.Location, second.Headers.ETag));
        Assert.Equal(first.Content.Headers.ContentType, second.Content.Headers.ContentType);
        Assert.Contains("Idempotency-Replayed", second.Headers.Select(static header => header.Key));
        Assert.Single((await user.Client.GetAsync<Page<Project>>("/v1/projects")).Items);
    }

    [Fact]
    public async Task Another_request_under_the_key_is_refused_and_another_caller_has_keys_of_their_own()
    {
        var user = await functions.CreateUserAsync();
        await (await user.Client.PostJsonAsync("/v1/projects", new CreateProjectRequest(functions.Name("p")), (Key, "k-2"))).ReadAsync<Project>();
        await user.Client.PostJsonAsync("/v1/projects", new CreateProjectRequest(functions.Name("p")), (Key, "k-2"))
            .ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.IdempotencyKeyReused);

        var other = await functions.CreateUserAsync();
        await (await other.Client.PostJsonAsync("/v1/projects", new CreateProjectRequest(functions.Name("p")), (Key, "k-2"))).ReadAsync<Project>();
    }

    [Theory]
    [InlineData("/v1/users/me/tokens", """{"name":"robot"}""")]
    [InlineData("/v1/projects/PROJECT/lineage-receivers", """{"name":"robot","url":"https://example.com/lineage"}""")]
    public async Task An_answer_with_a_secret_lies_nowhere_and_a_repeat_is_told_so(string path, string body)
    {
        var user = await functions.CreateUserAsync();
        var url = path.Replace("PROJECT", (await functions.CreateProjectAsync(user.Client)).Id, StringComparison.Ordinal);
        var first = await user.Client.PostJsonAsync(url, body, (Key, "k-secret"));
        Assert.True(first.StatusCode == HttpStatusCode.Created, await first.Content.ReadAsStringAsync());
        await user.Client.PostJsonAsync(url, body, (Key, "k-secret")).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IdempotencyAnswerNotKept);

        await using var connection = new NpgsqlConnection(functions.Postgres);
        Assert.Empty(await connection.QuerySingleAsync<byte[]>("SELECT body FROM idempotency_keys WHERE caller_id = @Id AND key = 'k-secret'", new { user.User.Id }));
    }

    [Fact]
    public async Task A_failed_request_does_not_use_the_key_up()
    {
        var user = await functions.CreateUserAsync();
        var taken = await functions.CreateProjectAsync(user.Client);
        var request = new CreateProjectRequest(taken.Name);
        await user.Client.PostJsonAsync("/v1/projects", request, (Key, "k-3")).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
        await user.Client.DeleteAsync($"/v1/projects/{taken.Id}");
        await (await user.Client.PostJsonAsync("/v1/projects", request, (Key, "k-3"))).ReadAsync<Project>();
    }

    [Fact]
    public async Task Simultaneous_requests_under_one_key_have_one_effect()
    {
        var user = await functions.CreateUserAsync();
        var request = new CreateProjectRequest(functions.Name("once"));
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => user.Client.PostJsonAsync("/v1/projects", request, (Key, "k-4"))));
        Assert.All(answers, static answer => Assert.True(
            answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict, answer.StatusCode.ToString()));
        foreach (var busy in answers.Where(static answer => answer.StatusCode == HttpStatusCode.Conflict))
        {
            await Task.FromResult(busy).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IdempotencyInProgress);
        }

        Assert.Single((await user.Client.GetAsync<Page<Project>>("/v1/projects")).Items);
    }

    [Fact]
    public async Task A_key_that_is_too_long_is_refused()
    {
        var user = await functions.CreateUserAsync();
        await user.Client.PostJsonAsync("/v1/projects", new CreateProjectRequest(functions.Name("p")), (Key, new string('k', 201)))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }
}
