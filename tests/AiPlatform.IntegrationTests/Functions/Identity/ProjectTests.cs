using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Projects;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Identity;

[Collection(ServersCollection.Name)]
public abstract class ProjectTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : ProjectTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : ProjectTests(functions), IClassFixture<HostedFunctionsFixture>;

    [Fact]
    public async Task A_project_is_created_read_by_id_and_by_name_changed_and_deleted()
    {
        var user = await functions.CreateUserAsync();
        var response = await user.Client.PostJsonAsync("/v1/projects", new CreateProjectRequest("vision-lab", "cats"));
        var project = await response.ReadAsync<Project>();
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal($"/v1/projects/{project.Id}", response.Headers.Location?.ToString());
        Assert.Equal(user.User.Id, project.OwnerId);

        Assert.Equal(project, await user.Client.GetAsync<Project>($"/v1/projects/{project.Id}"));
        Assert.Equal(project, await user.Client.GetAsync<Project>("/v1/projects/vision-lab"));

        var changed = await (await user.Client.SendJsonAsync(HttpMethod.Patch, "/v1/projects/vision-lab", new UpdateProjectRequest(Name: "vision-2")))
            .ReadAsync<Project>();
        Assert.Equal(("vision-2", "cats"), (changed.Name, changed.Description));

        Assert.Equal(HttpStatusCode.NoContent, (await user.Client.DeleteAsync("/v1/projects/vision-2")).StatusCode);
        await user.Client.GetAsync($"/v1/projects/{project.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task A_deleted_project_gives_its_name_back_and_is_restored_only_while_the_name_is_free()
    {
        var user = await functions.CreateUserAsync();
        var first = await functions.CreateProjectAsync(user.Client);
        await user.Client.DeleteAsync($"/v1/projects/{first.Id}");
        var second = await functions.CreateProjectAsync(user.Client, first.Name);
        Assert.NotEqual(first.Id, second.Id);
        await user.Client.PostJsonAsync($"/v1/projects/{first.Id}/restore", null).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);

        await user.Client.DeleteAsync($"/v1/projects/{second.Id}");
        Assert.Equal(first.Name, (await user.Client.PostAsync<Project>($"/v1/projects/{first.Id}/restore", null)).Name);
        Assert.Equal(first.Id, (await user.Client.GetAsync<Project>($"/v1/projects/{first.Name}")).Id);
    }

    [Fact]
    public async Task Another_users_project_does_not_exist_for_people_and_does_for_administrators_and_services()
    {
        var owner = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(owner.Client);
        var stranger = await functions.CreateUserAsync();
        await stranger.Client.GetAsync($"/v1/projects/{project.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.Client.SendJsonAsync(HttpMethod.Patch, $"/v1/projects/{project.Name}", new UpdateProjectRequest("stolen"))
            .ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.Client.DeleteAsync($"/v1/projects/{project.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.Client.PostJsonAsync($"/v1/projects/{project.Id}/restore", null).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Empty((await stranger.Client.GetAsync<Page<Project>>("/v1/projects")).Items);

        Assert.Equal(project, await (await functions.AdministratorAsync()).Client.GetAsync<Project>($"/v1/projects/{project.Id}"));
        Assert.Equal(project, await functions.Service().GetAsync<Project>($"/v1/projects/{project.Id}"));
        await functions.Service().PostJsonAsync("/v1/projects", new CreateProjectRequest("of-a-service")).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task A_name_belongs_to_one_live_project_of_the_whole_platform()
    {
        var owner = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(owner.Client);
        var other = await functions.CreateUserAsync();
        await other.Client.PostJsonAsync("/v1/projects", new CreateProjectRequest(project.Name)).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
        var mine = await functions.CreateProjectAsync(other.Client);
        await other.Client.SendJsonAsync(HttpMethod.Patch, $"/v1/projects/{mine.Id}", new UpdateProjectRequest(project.Name))
            .ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
    }

    [Fact]
    public async Task An_update_with_an_outdated_tag_is_refused_and_changes_nothing()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var tag = (await user.Client.GetAsync($"/v1/projects/{project.Id}")).Headers.ETag!.ToString();
        var path = $"/v1/projects/{project.Id}";
        var fresh = await user.Client.SendJsonAsync(HttpMethod.Patch, path, new UpdateProjectRequest(Description: "one"), ("If-Match", tag));
        Assert.NotEqual(tag, fresh.Headers.ETag!.ToString());
        foreach (var outdated in (string[])[tag, "\"x\"", "W/\"1\""])
        {
            await user.Client.SendJsonAsync(HttpMethod.Patch, path, new UpdateProjectRequest(Description: "two"), ("If-Match", outdated))
                .ProblemAsync(HttpStatusCode.PreconditionFailed, ErrorCodes.PreconditionFailed);
            await user.Client.SendJsonAsync(HttpMethod.Delete, path, null, ("If-Match", outdated))
                .ProblemAsync(HttpStatusCode.PreconditionFailed, ErrorCodes.PreconditionFailed);
        }

        Assert.Equal("one", (await user.Client.GetAsync<Project>(path)).Description);
    }

    [Fact]
    public async Task Lists_are_paged_newest_first_without_gaps_or_repeats()
    {
        var user = await functions.CreateUserAsync();
        var created = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            created.Add((await functions.CreateProjectAsync(user.Client)).Id);
        }

        var seen = new List<string>();
        string? token = null;
        do
        {
            var page = await user.Client.GetAsync<Page<Project>>($"/v1/projects?pageSize=3&pageToken={token}");
            Assert.InRange(page.Items.Count, 1, 3);
            seen.AddRange(page.Items.Select(static item => item.Id));
            token = page.NextPageToken;
        }
        while (token is not null);

        created.Reverse();
        Assert.Equal(created, seen);
    }

    [Theory]
    [InlineData("pageSize=0", ErrorCodes.InvalidRequest)]
    [InlineData("pageSize=501", ErrorCodes.InvalidRequest)]
    [InlineData("pageSize=many", ErrorCodes.InvalidRequest)]
    [InlineData("pageToken=%25%25", ErrorCodes.InvalidPageToken)]
    [InlineData("pageToken=WyJhIiwiYiJd", ErrorCodes.InvalidPageToken)]
    public async Task Bad_page_parameters_are_refused(string query, string code)
    {
        var user = await functions.CreateUserAsync();
        var problem = await user.Client.GetAsync($"/v1/projects?{query}").ProblemAsync(HttpStatusCode.BadRequest, code);
        if (!query.EndsWith("many", StringComparison.Ordinal))
        {
            // The framework answers a text that is no number by itself, without the field's name.
            Assert.Equal(query.Split('=')[0], Assert.Single(problem.Errors!).Key);
        }
    }
}
