using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Data.Datasets;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Data;

[Collection(DataCollection.Name)]
public abstract class DatasetTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : DatasetTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : DatasetTests(functions), IClassFixture<HostedFunctionsFixture>;

    [Fact]
    public async Task A_version_is_drafted_uploaded_committed_and_read_back()
    {
        var (client, root) = await ProjectAsync();
        var dataset = await client.PostAsync<Dataset>(root, new CreateDatasetRequest("digits", "images"));
        Assert.Null(dataset.LatestVersion);
        var draft = await client.PostAsync<DatasetVersionDraft>(
            $"{root}/digits/versions", new CreateDatasetVersionRequest([Blobs.File("train/b.txt", "bbb"), Blobs.File("train/a.txt", "aaa"), Blobs.File("copy.txt", "aaa")]));
        Assert.Equal((1, DatasetVersionStatus.Draft, 3, 9L), (draft.Version.Version, draft.Version.Status, draft.Version.FileCount, draft.Version.TotalSize));
        Assert.Equal(2, draft.Uploads.Count);
        foreach (var upload in draft.Uploads)
        {
            await Blobs.UploadAsync(upload.Url, upload.Headers, upload.Path.EndsWith("b.txt", StringComparison.Ordinal) ? "bbb" : "aaa");
        }

        var ready = await client.PostAsync<DatasetVersion>($"{root}/digits/versions/1/commit", new { });
        Assert.Equal(DatasetVersionStatus.Ready, ready.Status);
        Assert.Equal(ready, await client.PostAsync<DatasetVersion>($"{root}/digits/versions/1/commit", new { }));
        Assert.Equal(1, (await client.GetAsync<Dataset>($"{root}/digits")).LatestVersion);

        var first = await client.GetAsync<Page<FileDownload>>($"{root}/digits/versions/1/files?pageSize=2");
        Assert.Equal(["copy.txt", "train/a.txt"], first.Items.Select(file => file.Path));
        var second = await client.GetAsync<Page<FileDownload>>($"{root}/digits/versions/1/files?pageSize=2&pageToken={first.NextPageToken}");
        Assert.Equal("bbb", await Blobs.ReadAsync(Assert.Single(second.Items).Url));
        Assert.Null(second.NextPageToken);
    }

    [Fact]
    public async Task Content_that_the_project_has_is_not_uploaded_again_but_another_project_must_bring_it()
    {
        var (client, root) = await ProjectAsync();
        await CommitAsync(client, root, "shared", ("a", "same"), ("b", "first"));
        var draft = await client.PostAsync<DatasetVersionDraft>(
            $"{root}/shared/versions", new CreateDatasetVersionRequest([Blobs.File("a", "same"), Blobs.File("b", "second")]));
        Assert.Equal("b", Assert.Single(draft.Uploads).Path);

        var (other, otherRoot) = await ProjectAsync();
        await other.PostAsync<Dataset>(otherRoot, new CreateDatasetRequest("shared"));
        var foreign = await other.PostAsync<DatasetVersionDraft>($"{otherRoot}/shared/versions", new CreateDatasetVersionRequest([Blobs.File("a", "same")]));
        Assert.Single(foreign.Uploads);
        await other.PostJsonAsync($"{otherRoot}/shared/versions/1/commit", new { }).ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.ContentMismatch);
    }

    [Fact]
    public async Task A_commit_refuses_missing_and_wrong_uploads_and_succeeds_once_they_are_right()
    {
        var (client, root) = await ProjectAsync();
        await client.PostAsync<Dataset>(root, new CreateDatasetRequest("wrong"));
        var draft = await client.PostAsync<DatasetVersionDraft>($"{root}/wrong/versions", new CreateDatasetVersionRequest([Blobs.File("f", "right")]));
        var upload = draft.Uploads[0];
        await client.PostJsonAsync($"{root}/wrong/versions/1/commit", new { }).ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.ContentMismatch);
        await Blobs.UploadAsync(upload.Url, upload.Headers, "wrong");
        await client.PostJsonAsync($"{root}/wrong/versions/1/commit", new { }).ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.ContentMismatch);
        await Blobs.UploadAsync(upload.Url, upload.Headers, "longer than announced");
        await client.PostJsonAsync($"{root}/wrong/versions/1/commit", new { }).ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.ContentMismatch);
        await client.GetAsync($"{root}/wrong/versions/1/files").ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);

        var renewed = await client.PostAsync<DatasetVersionDraft>($"{root}/wrong/versions/1/uploads", new { });
        await Blobs.UploadAsync(renewed.Uploads[0].Url, renewed.Uploads[0].Headers, "right");
        Assert.Equal(DatasetVersionStatus.Ready, (await client.PostAsync<DatasetVersion>($"{root}/wrong/versions/1/commit", new { })).Status);
        await client.PostJsonAsync($"{root}/wrong/versions/1/uploads", new { }).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
    }

    [Fact]
    public async Task An_upload_url_cannot_change_a_committed_version()
    {
        var (client, root) = await ProjectAsync();
        var upload = await CommitAsync(client, root, "frozen", ("f", "before"));
        using var late = await Blobs.PutAsync(upload[0].Url, upload[0].Headers, "after!");
        var files = await client.GetAsync<Page<FileDownload>>($"{root}/frozen/versions/1/files");
        Assert.Equal("before", await Blobs.ReadAsync(files.Items[0].Url));
    }

    [Fact]
    public async Task Two_commits_at_once_on_two_instances_make_one_version()
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var root = $"/v1/projects/{project.Id}/datasets";
        await user.Client.PostAsync<Dataset>(root, new CreateDatasetRequest("raced"));
        var files = Enumerable.Range(0, 20).Select(i => Blobs.File($"f{i}", $"content {i}")).ToArray();
        var draft = await user.Client.PostAsync<DatasetVersionDraft>($"{root}/raced/versions", new CreateDatasetVersionRequest(files));
        foreach (var upload in draft.Uploads)
        {
            await Blobs.UploadAsync(upload.Url, upload.Headers, $"content {upload.Path[1..]}");
        }

        await using var another = await functions.StartAnotherAsync();
        using var client = another.CreateClient(user.AccessToken);
        var commits = await Task.WhenAll(
            user.Client.PostAsync<DatasetVersion>($"{root}/raced/versions/1/commit", new { }), client.PostAsync<DatasetVersion>($"{root}/raced/versions/1/commit", new { }));
        Assert.Equal(commits[0], commits[1]);
        Assert.Equal(20, (await client.GetAsync<Page<FileDownload>>($"{root}/raced/versions/1/files")).Items.Count);
    }

    [Fact]
    public async Task An_abandoned_draft_is_swept_with_its_uploads_and_a_ready_version_stays()
    {
        var (client, root) = await ProjectAsync();
        await CommitAsync(client, root, "swept", ("a", "kept"));
        var draft = await client.PostAsync<DatasetVersionDraft>($"{root}/swept/versions", new CreateDatasetVersionRequest([Blobs.File("a", "kept"), Blobs.File("b", "dropped")]));
        await Blobs.UploadAsync(draft.Uploads[0].Url, draft.Uploads[0].Headers, "dropped");
        var sweep = functions.App.Services.GetRequiredService<DraftSweep>();
        await sweep.RunAsync(CancellationToken.None);
        Assert.Equal(2, (await client.GetAsync<Page<DatasetVersion>>($"{root}/swept/versions")).Items.Count);

        await using var source = NpgsqlDataSource.Create(functions.Postgres);
        await using var age = source.CreateCommand("UPDATE dataset_versions SET created_at = now() - interval '8 days'");
        await age.ExecuteNonQueryAsync();
        await sweep.RunAsync(CancellationToken.None);
        Assert.Equal(1, Assert.Single((await client.GetAsync<Page<DatasetVersion>>($"{root}/swept/versions")).Items).Version);
        await client.PostJsonAsync($"{root}/swept/versions/2/commit", new { }).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        var projectId = (await client.GetAsync<Dataset>($"{root}/swept")).ProjectId;
        var upload = ContentAddress.Upload(projectId, draft.Version.Id, Blobs.Sha256("dropped"));
        Assert.Null(await functions.App.Services.GetRequiredService<BlobStorage>().LengthAsync(BlobStorage.Datasets, upload, CancellationToken.None));
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../up")]
    [InlineData("a/../../up")]
    [InlineData("a/%2e%2e/up")]
    [InlineData("a//b")]
    [InlineData("a\\b")]
    [InlineData("a\u0001b")]
    [InlineData("C:/windows")]
    [InlineData("")]
    public async Task A_path_that_may_leave_the_dataset_is_refused(string path)
    {
        var (client, root) = await ProjectAsync();
        await client.PostAsync<Dataset>(root, new CreateDatasetRequest("paths"));
        var problem = await client.PostJsonAsync($"{root}/paths/versions", new CreateDatasetVersionRequest([Blobs.File("ok", "x"), Blobs.File(path, "x")]))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Contains("files[1].path", problem.Errors!.Keys);
    }

    [Fact]
    public async Task A_manifest_with_duplicates_contradictions_or_a_bad_hash_is_refused()
    {
        var (client, root) = await ProjectAsync();
        await client.PostAsync<Dataset>(root, new CreateDatasetRequest("bad"));
        var good = Blobs.File("a", "x");
        DatasetFile[][] manifests =
        [
            [],
            [good, good],
            [good, new DatasetFile("b", 2, good.Sha256)],
            [good, Blobs.File("a/b", "x")],
            [good with { Sha256 = good.Sha256.ToUpperInvariant() }],
            [good with { Size = -1 }],
        ];
        foreach (var manifest in manifests)
        {
            await client.PostJsonAsync($"{root}/bad/versions", new CreateDatasetVersionRequest(manifest))
                .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        }

        await client.PostJsonAsync($"{root}/bad/versions", """{"files":[{"path":"a","size":1,"sha256":"x","mode":7}]}""")
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Empty((await client.GetAsync<Page<DatasetVersion>>($"{root}/bad/versions")).Items);
    }

    [Fact]
    public async Task Names_are_unique_deletion_is_soft_and_other_people_see_nothing()
    {
        var (client, root) = await ProjectAsync();
        var dataset = await client.PostAsync<Dataset>(root, new CreateDatasetRequest("mine"));
        await client.PostJsonAsync(root, new CreateDatasetRequest("MINE")).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
        await client.PostJsonAsync(root, new CreateDatasetRequest("no/slash")).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        var stranger = await functions.CreateUserAsync();
        await stranger.Client.GetAsync($"{root}/mine").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);

        Assert.Equal(HttpStatusCode.NoContent, (await client.DeleteAsync($"{root}/mine")).StatusCode);
        await client.GetAsync($"{root}/mine").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Equal(dataset, await client.PostAsync<Dataset>($"{root}/{dataset.Id}/restore", new { }));
        await client.DeleteAsync($"{root}/nothing").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    private async Task<(HttpClient Client, string Root)> ProjectAsync()
    {
        var user = await functions.CreateUserAsync();
        return (user.Client, $"/v1/projects/{(await functions.CreateProjectAsync(user.Client)).Name}/datasets");
    }

    private static async Task<IReadOnlyList<FileUpload>> CommitAsync(HttpClient client, string root, string name, params (string Path, string Content)[] files)
    {
        await client.PostAsync<Dataset>(root, new CreateDatasetRequest(name));
        var draft = await client.PostAsync<DatasetVersionDraft>(
            $"{root}/{name}/versions", new CreateDatasetVersionRequest([.. files.Select(file => Blobs.File(file.Path, file.Content))]));
        foreach (var upload in draft.Uploads)
        {
            await Blobs.UploadAsync(upload.Url, upload.Headers, files.Single(file => file.Path == upload.Path).Content);
        }

        await client.PostAsync<DatasetVersion>($"{root}/{name}/versions/1/commit", new { });
        return draft.Uploads;
    }
}
