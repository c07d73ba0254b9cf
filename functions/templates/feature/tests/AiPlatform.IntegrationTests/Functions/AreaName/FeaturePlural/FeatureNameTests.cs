using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.FeaturePlural;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.AreaName.FeaturePlural;

[Collection(ServersCollection.Name)]
public sealed class FeatureNameTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    /// <summary>For the test of purged projects.</summary>
    public sealed class Content : IProjectContent
    {
        public Task AddAsync(HttpClient client, string project) => client.PostAsync<FeatureName>($"/v1/projects/{project}/feature-plural", new CreateFeatureNameRequest("first"));
    }

    [Fact]
    public async Task One_is_created_found_changed_and_deleted()
    {
        var (client, things) = await ProjectAsync();
        var created = await client.PostAsync<FeatureName>(things, new CreateFeatureNameRequest("First", "To begin with."));
        Assert.Equal(("First", "To begin with.", 1L), (created.Name, created.Description, created.Version));
        Assert.Equal(created, await client.GetAsync<FeatureName>($"{things}/{created.Id}"));
        Assert.Equal(created, await client.GetAsync<FeatureName>($"{things}/first"));

        var changed = await (await client.SendJsonAsync(HttpMethod.Patch, $"{things}/{created.Id}", new UpdateFeatureNameRequest(Description: string.Empty))).ReadAsync<FeatureName>();
        Assert.Equal(("First", (string?)null, 2L), (changed.Name, changed.Description, changed.Version));

        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync($"{things}/{created.Id}")).StatusCode);
        await client.GetAsync($"{things}/{created.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task They_are_listed_page_by_page_newest_first()
    {
        var (client, things) = await ProjectAsync();
        foreach (var name in new[] { "a", "b", "c" })
        {
            await client.PostAsync<FeatureName>(things, new CreateFeatureNameRequest(name));
        }

        var first = await client.GetAsync<Page<FeatureName>>($"{things}?pageSize=2");
        var second = await client.GetAsync<Page<FeatureName>>($"{things}?pageSize=2&pageToken={first.NextPageToken}");
        Assert.Equal(["c", "b", "a"], first.Items.Concat(second.Items).Select(static thing => thing.Name));
        Assert.Null(second.NextPageToken);
    }

    [Fact]
    public async Task A_change_of_what_somebody_else_has_changed_is_refused()
    {
        var (client, things) = await ProjectAsync();
        var path = $"{things}/{(await client.PostAsync<FeatureName>(things, new CreateFeatureNameRequest("first"))).Id}";
        var change = new UpdateFeatureNameRequest("second");
        await (await client.SendJsonAsync(HttpMethod.Patch, path, change, ("If-Match", "\"1\""))).ReadAsync<FeatureName>();
        await client.SendJsonAsync(HttpMethod.Patch, path, change, ("If-Match", "\"1\"")).ProblemAsync(HttpStatusCode.PreconditionFailed, ErrorCodes.PreconditionFailed);
        await client.SendJsonAsync(HttpMethod.Delete, path, null, ("If-Match", "\"1\"")).ProblemAsync(HttpStatusCode.PreconditionFailed, ErrorCodes.PreconditionFailed);
    }

    [Fact]
    public async Task A_name_is_there_once_in_a_project_in_whatever_case()
    {
        var (client, things) = await ProjectAsync();
        await client.PostAsync<FeatureName>(things, new CreateFeatureNameRequest("first"));
        var other = await client.PostAsync<FeatureName>(things, new CreateFeatureNameRequest("second"));
        await client.PostJsonAsync(things, new CreateFeatureNameRequest("FIRST")).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
        await client.SendJsonAsync(HttpMethod.Patch, $"{things}/{other.Id}", new UpdateFeatureNameRequest("First")).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
    }

    [Theory]
    [InlineData("""{"name": ""}""", "name")]
    [InlineData("""{"name": "a/b"}""", "name")]
    [InlineData("""{"name": "a", "colour": "red"}""", "colour")]
    public async Task A_request_that_is_not_valid_is_refused_with_the_field(string body, string field)
    {
        var (client, things) = await ProjectAsync();
        Assert.Equal([field], (await client.PostJsonAsync(things, body).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest)).Errors!.Keys);
    }

    [Fact]
    public async Task Another_user_does_not_find_it()
    {
        var (client, things) = await ProjectAsync();
        var path = $"{things}/{(await client.PostAsync<FeatureName>(things, new CreateFeatureNameRequest("first"))).Id}";
        var stranger = (await functions.CreateUserAsync()).Client;
        await stranger.GetAsync(path).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.DeleteAsync(path).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.PostJsonAsync(things, new CreateFeatureNameRequest("mine")).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Theory]
    [InlineData("en", "feature name")]
    [InlineData("zh-CN", "中文名称")]
    public async Task What_is_missing_is_named_in_the_language_of_the_caller(string language, string word)
    {
        var (client, things) = await ProjectAsync();
        var problem = await client.SendJsonAsync(HttpMethod.Get, $"{things}/none", null, ("Accept-Language", language)).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Contains(word, problem.Detail, StringComparison.Ordinal);
    }

    private async Task<(HttpClient Client, string Things)> ProjectAsync()
    {
        var client = (await functions.CreateUserAsync()).Client;
        return (client, $"/v1/projects/{(await functions.CreateProjectAsync(client)).Id}/feature-plural");
    }
}
