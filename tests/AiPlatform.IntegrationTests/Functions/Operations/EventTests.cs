using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Operations;

[Collection(ServersCollection.Name)]
public abstract class EventTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : EventTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : EventTests(functions), IClassFixture<HostedFunctionsFixture>;

    [Fact]
    public async Task An_event_reaches_subscribers_of_every_instance_once_committed()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        await using var another = await functions.StartAnotherAsync();
        using var otherClient = another.CreateClient(user.AccessToken);
        await using var here = await EventReader.OpenAsync(user.Client, $"project:{project.Id}");
        await using var there = await EventReader.OpenAsync(otherClient, $"project:{project.Id}");

        await PublishAsync(functions.App, $"project:{project.Id}", 1);
        await PublishAsync(another, $"project:{project.Id}", 2);
        foreach (var reader in (EventReader[])[here, there])
        {
            Assert.Equal([1, 2], await reader.NumbersAsync(2));
        }
    }

    [Theory]
    [InlineData("disabled")]
    [InlineData("demoted")]
    [InlineData("logged out")]
    [InlineData("revoked")]
    public async Task A_subscription_ends_with_the_rights_of_its_subscriber(string end)
    {
        var administrator = await functions.AdministratorAsync();
        var user = await functions.CreateUserAsync();
        var owner = end == "demoted" ? await functions.CreateUserAsync() : user;
        var project = await functions.CreateProjectAsync(owner.Client);
        var client = user.Client;
        var account = $"/v1/users/{user.User.Id}";
        CreatedAccessToken? token = null;
        if (end == "demoted")
        {
            await (await administrator.Client.SendJsonAsync(HttpMethod.Patch, account, new UpdateUserRequest(UserRole.Administrator))).ReadAsync<User>();
        }
        else if (end == "revoked")
        {
            token = await client.PostAsync<CreatedAccessToken>("/v1/users/me/tokens", new CreateAccessTokenRequest("listener"));
            client = functions.Client(token.Token);
        }

        await using var reader = await EventReader.OpenAsync(client, $"project:{project.Id}");
        await using var kept = await EventReader.OpenAsync(administrator.Client, $"project:{project.Id}");
        using var answer = end switch
        {
            "disabled" => await administrator.Client.SendJsonAsync(HttpMethod.Patch, account, new UpdateUserRequest(Disabled: true)),
            "demoted" => await administrator.Client.SendJsonAsync(HttpMethod.Patch, account, new UpdateUserRequest(UserRole.Member)),
            "logged out" => await functions.Anonymous.PostJsonAsync("/v1/auth/logout", new LogoutRequest(user.RefreshToken)),
            _ => await user.Client.DeleteAsync($"/v1/users/me/tokens/{token!.AccessToken.Id}"),
        };
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        await Assert.ThrowsAsync<EndOfStreamException>(reader.NextAsync);

        await PublishAsync(functions.App, $"project:{project.Id}", 1);
        Assert.Equal([1], await kept.NumbersAsync(1));
    }

    [Fact]
    public async Task A_subscriber_that_comes_back_misses_nothing_and_sees_nothing_twice()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var topic = $"project:{project.Id}";
        string? lastId;
        await using (var reader = await EventReader.OpenAsync(user.Client, topic))
        {
            await PublishAsync(functions.App, topic, 1);
            await PublishAsync(functions.App, topic, 2);
            await reader.NumbersAsync(1);
            lastId = reader.LastId;
        }

        await PublishAsync(functions.App, topic, 3);
        await using var again = await EventReader.OpenAsync(user.Client, topic, lastId);
        await PublishAsync(functions.App, topic, 4);
        Assert.Equal([2, 3, 4], await again.NumbersAsync(3));
    }

    [Fact]
    public async Task Events_of_transactions_that_commit_out_of_order_all_arrive()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var topic = $"project:{project.Id}";
        await using var reader = await EventReader.OpenAsync(user.Client, topic);
        var slow = new TaskCompletionSource();
        var written = new TaskCompletionSource();
        var database = functions.App.Services.GetRequiredService<Database>();
        var stream = functions.App.Services.GetRequiredService<EventStream>();
        var late = database.InTransactionAsync(
            async (connection, transaction) =>
            {
                await stream.PublishAsync(connection, transaction, topic, "test", new { number = 1 }, CancellationToken.None);
                written.SetResult();
                await slow.Task;
            },
            CancellationToken.None);
        await written.Task;
        await PublishAsync(functions.App, topic, 2);
        slow.SetResult();
        await late;
        Assert.Equal([1, 2], (await reader.NumbersAsync(2)).Order());
    }

    [Fact]
    public async Task A_rolled_back_event_is_never_seen()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var topic = $"project:{project.Id}";
        await using var reader = await EventReader.OpenAsync(user.Client, topic);
        await Assert.ThrowsAsync<InvalidDataException>(() => functions.App.Services.GetRequiredService<Database>().InTransactionAsync(
            async (connection, transaction) =>
            {
                await functions.App.Services.GetRequiredService<EventStream>()
                    .PublishAsync(connection, transaction, topic, "test", new { number = 1 }, CancellationToken.None);
                throw new InvalidDataException();
            },
            CancellationToken.None));
        await PublishAsync(functions.App, topic, 2);
        Assert.Equal([2], await reader.NumbersAsync(1));
    }

    [Fact]
    public async Task Topics_of_other_peoples_projects_and_bad_topics_are_refused()
    {
        var owner = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(owner.Client);
        var stranger = await functions.CreateUserAsync();
        await stranger.Client.GetAsync($"/v1/events?topics=project:{project.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        foreach (var topics in (string[])["", "project", "users:1", "project:not-an-id", $"project:{project.Id}:x"])
        {
            await owner.Client.GetAsync($"/v1/events?topics={topics}").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        }

        await owner.Client.GetAsync("/v1/events").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await owner.Client.SendJsonAsync(HttpMethod.Get, $"/v1/events?topics=project:{project.Id}", null, ("Last-Event-ID", "x"))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await functions.Anonymous.GetAsync($"/v1/events?topics=project:{project.Id}").ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
    }

    private static Task PublishAsync(FunctionsInstance app, string topic, int number)
        => app.Services.GetRequiredService<Database>().InTransactionAsync(
            (connection, transaction) => app.Services.GetRequiredService<EventStream>()
                .PublishAsync(connection, transaction, topic, "test", new { number }, CancellationToken.None),
            CancellationToken.None);
}
