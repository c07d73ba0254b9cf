using System.Net;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Projects;
using Microsoft.Extensions.Time.Testing;

namespace AiPlatform.Tests.Client;

public sealed class AiPlatformClientTests
{
    private const string ProjectJson =
        """{"id":"p1","name":"demo","ownerId":"u1","createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z","addedLater":1}""";

    private static readonly CreateProjectRequest Demo = new("demo");

    [Fact]
    public async Task An_answer_with_fields_of_a_newer_server_is_read()
    {
        await using var api = await ScriptedApi.StartAsync();
        api.Answer(HttpStatusCode.OK, ProjectJson);

        var project = await Client(api).GetProjectAsync("a/b", CancellationToken.None);

        Assert.Equal(("p1", "demo", null), (project.Id, project.Name, project.Description));
        Assert.Equal("/v1/projects/a%2Fb", api.Requests.Single().Path);
        Assert.Equal("Bearer token", api.Requests.Single().Headers.Authorization);
    }

    [Fact]
    public async Task A_creation_is_repeated_with_the_same_idempotency_key_after_a_lost_answer_and_a_busy_server()
    {
        await using var api = await ScriptedApi.StartAsync();
        api.Drop().Answer(HttpStatusCode.ServiceUnavailable).Answer(HttpStatusCode.Created, ProjectJson);

        var project = await Client(api).CreateProjectAsync(Demo, CancellationToken.None);

        Assert.Equal("p1", project.Id);
        Assert.Equal(3, api.Requests.Count);
        Assert.Single(api.Requests.Select(request => request.Headers["Idempotency-Key"].ToString()).Distinct());
        Assert.Single(api.Requests.Select(request => request.Body).Distinct());
    }

    [Fact]
    public async Task A_creation_whose_first_try_still_runs_is_waited_for_without_using_attempts_up()
    {
        await using var api = await ScriptedApi.StartAsync();
        api.Drop().Answer(HttpStatusCode.Conflict, """{"code":"idempotency_in_progress","title":"Busy","status":409}""", "application/problem+json")
            .Answer(HttpStatusCode.Created, ProjectJson);

        var project = await Client(api, maxAttempts: 2).CreateProjectAsync(Demo, CancellationToken.None);

        Assert.Equal("p1", project.Id);
        Assert.Single(api.Requests.Select(request => request.Headers["Idempotency-Key"].ToString()).Distinct());
    }

    [Fact]
    public async Task A_refusal_is_not_repeated_and_carries_its_code()
    {
        await using var api = await ScriptedApi.StartAsync();
        api.Answer(HttpStatusCode.Conflict, """{"code":"already_exists","title":"Taken","status":409,"detail":"demo is taken"}""", "application/problem+json");

        var exception = await Assert.ThrowsAsync<ApiException>(() => Client(api).CreateProjectAsync(Demo, CancellationToken.None));

        Assert.Equal((HttpStatusCode.Conflict, ErrorCodes.AlreadyExists, false), (exception.Status, exception.Code, exception.IsTransient));
        Assert.Contains("demo is taken", exception.Message, StringComparison.Ordinal);
        Assert.Single(api.Requests);
    }

    [Fact]
    public async Task A_server_that_stays_busy_is_asked_a_bounded_number_of_times()
    {
        await using var api = await ScriptedApi.StartAsync();
        api.Answer(HttpStatusCode.BadGateway, "<html>", "text/html").Answer(HttpStatusCode.BadGateway, "<html>", "text/html");

        var exception = await Assert.ThrowsAsync<ApiException>(() => Client(api, maxAttempts: 2).GetMeAsync(CancellationToken.None));

        Assert.Null(exception.Code);
        Assert.True(exception.IsTransient);
        Assert.Equal(2, api.Requests.Count);
    }

    [Fact]
    public async Task A_problem_document_that_was_cut_short_still_gives_the_status()
    {
        await using var api = await ScriptedApi.StartAsync();
        api.Answer(HttpStatusCode.NotFound, """{"code":"not_fo""", "application/problem+json");

        var exception = await Assert.ThrowsAsync<ApiException>(() => Client(api).GetProjectAsync("x", CancellationToken.None));

        Assert.Equal(HttpStatusCode.NotFound, exception.Status);
    }

    [Fact]
    public async Task A_service_token_is_used_until_it_is_refused_or_nearly_over()
    {
        await using var api = await ScriptedApi.StartAsync();
        var time = new FakeTimeProvider();
        using var tokens = new ServiceTokenSource(api.Http, "runner", "secret", time);
        var client = new AiPlatformClient(api.Http, tokens);
        api.Answer(HttpStatusCode.OK, """{"accessToken":"t1","expiresIn":900}""").Answer(HttpStatusCode.OK, ProjectJson).Answer(HttpStatusCode.OK, ProjectJson);
        await client.GetProjectAsync("a", CancellationToken.None);
        await client.GetProjectAsync("b", CancellationToken.None);
        Assert.Equal(["/v1/auth/service-token", "/v1/projects/a", "/v1/projects/b"], api.Requests.Select(request => request.Path));

        api.Answer(HttpStatusCode.Unauthorized).Answer(HttpStatusCode.OK, """{"accessToken":"t2","expiresIn":900}""").Answer(HttpStatusCode.OK, ProjectJson);
        await client.GetProjectAsync("c", CancellationToken.None);
        Assert.Equal("Bearer t2", api.Requests[^1].Headers.Authorization);

        time.Advance(TimeSpan.FromSeconds(800));
        api.Answer(HttpStatusCode.OK, """{"accessToken":"t3","expiresIn":900}""").Answer(HttpStatusCode.OK, ProjectJson);
        await client.GetProjectAsync("d", CancellationToken.None);
        Assert.Equal("Bearer t3", api.Requests[^1].Headers.Authorization);
    }

    [Fact]
    public async Task A_login_is_renewed_by_its_refresh_token_and_begun_anew_when_that_is_refused()
    {
        const string user = """{"id":"u1","userName":"ada","role":"member","createdAt":"2026-01-01T00:00:00Z"}""";
        await using var api = await ScriptedApi.StartAsync();
        var time = new FakeTimeProvider();
        using var tokens = new LoginTokenSource(api.Http, "ada", "correct horse", time);
        api.Answer(HttpStatusCode.OK, $$"""{"accessToken":"a1","expiresIn":900,"refreshToken":"r1","user":{{user}}}""")
            .Answer(HttpStatusCode.OK, $$"""{"accessToken":"a2","expiresIn":900,"refreshToken":"r2","user":{{user}}}""")
            .Answer(HttpStatusCode.Unauthorized, """{"code":"invalid_refresh_token","status":401}""", "application/problem+json")
            .Answer(HttpStatusCode.OK, $$"""{"accessToken":"a3","expiresIn":900,"refreshToken":"r3","user":{{user}}}""");

        Assert.Equal("a1", await tokens.GetTokenAsync(null, CancellationToken.None));
        Assert.Equal("a1", await tokens.GetTokenAsync(null, CancellationToken.None));
        time.Advance(TimeSpan.FromSeconds(800));
        Assert.Equal("a2", await tokens.GetTokenAsync(null, CancellationToken.None));
        Assert.Equal("a3", await tokens.GetTokenAsync("a2", CancellationToken.None));
        Assert.Equal(
            ["/v1/auth/login", "/v1/auth/refresh", "/v1/auth/refresh", "/v1/auth/login"], api.Requests.Select(request => request.Path));
    }

    [Fact]
    public async Task Not_a_number_and_infinity_travel_as_strings()
    {
        await using var api = await ScriptedApi.StartAsync();
        api.Answer(HttpStatusCode.OK, """{"stored":2,"nextSequence":2}""");
        MetricPoint[] points =
        [
            new("loss", 1, double.NaN, DateTimeOffset.UnixEpoch),
            new("loss", 2, double.PositiveInfinity, DateTimeOffset.UnixEpoch),
        ];

        var answer = await Client(api).LogMetricsAsync("r", new LogMetricsRequest(1, "0-0", 0, points), CancellationToken.None);

        Assert.Equal(new LogMetricsResponse(2, 2), answer);
        Assert.Contains("\"NaN\"", api.Requests.Single().Body, StringComparison.Ordinal);
        Assert.Contains("\"Infinity\"", api.Requests.Single().Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_upload_sends_the_file_with_the_headers_that_the_platform_asks_for_and_is_repeated()
    {
        await using var api = await ScriptedApi.StartAsync();
        api.Answer(HttpStatusCode.InternalServerError).Answer(HttpStatusCode.Created, "");
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "digits");

        await Client(api).UploadFileAsync(
            new Uri(api.Http.BaseAddress!, "blob?sig=1").AbsoluteUri,
            new Dictionary<string, string> { ["x-ms-blob-type"] = "BlockBlob", ["Content-Type"] = "text/csv" },
            file,
            CancellationToken.None);

        File.Delete(file);
        Assert.Equal(2, api.Requests.Count);
        Assert.All(api.Requests, request =>
        {
            Assert.Equal(("PUT", "/blob?sig=1", "digits"), (request.Method, request.Path, request.Body));
            Assert.Equal("BlockBlob", request.Headers["x-ms-blob-type"]);
            Assert.Equal("text/csv", request.Headers.ContentType);
            Assert.False(request.Headers.ContainsKey("Authorization"));
        });
    }

    private static AiPlatformClient Client(ScriptedApi api, int maxAttempts = 4) => new(api.Http, new FixedTokenSource("token"), maxAttempts);
}
