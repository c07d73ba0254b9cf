using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Projects;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Core;

[Collection(ServersCollection.Name)]
public sealed class ProjectTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
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
}
