using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Projects;
using AiPlatform.IntegrationTests.Servers;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>More requests than there are connections wait for their turn, or are told to come again.</summary>
[Collection(ServersCollection.Name)]
public sealed class BusyDatabaseTests(FunctionsFixture functions, PostgresFixture postgres) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task Requests_beyond_the_connections_are_served_later_or_told_to_come_again_and_never_fail()
    {
        var database = new NpgsqlConnectionStringBuilder(await postgres.CreateDatabaseAsync("busy")) { MaxPoolSize = 4, Timeout = 1 };
        var settings = new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal) { ["ConnectionStrings:Postgres"] = database.ConnectionString };
        await using var app = await FunctionsInstance.StartAsync(settings);
        using var anonymous = app.CreateClient();
        var login = await anonymous.PostAsync<Contracts.Identity.TokenResponse>("/v1/auth/register", new Contracts.Identity.RegisterRequest("crowd", TestUser.Password));
        using var member = app.CreateClient(login.AccessToken);
        await member.PostAsync<Project>("/v1/projects", new CreateProjectRequest("crowd"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => i % 2 == 0
            ? member.GetAsync("/v1/projects/crowd")
            : anonymous.PostJsonAsync("/v1/auth/refresh", new Contracts.Identity.RefreshRequest($"none-{i}"))));
        Assert.All(answers, static answer => Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.OK, HttpStatusCode.Unauthorized, HttpStatusCode.ServiceUnavailable }));
        foreach (var refused in answers.Where(static answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable))
        {
            Assert.NotNull(refused.Headers.RetryAfter);
            await Task.FromResult(refused).ProblemAsync(HttpStatusCode.ServiceUnavailable, ErrorCodes.Unavailable);
        }

        Assert.Equal(HttpStatusCode.OK, (await member.GetAsync("/v1/projects/crowd")).StatusCode);
    }
}
