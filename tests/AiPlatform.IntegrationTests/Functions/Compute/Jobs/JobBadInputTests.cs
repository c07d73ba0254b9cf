using System.Net;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Models;
using AiPlatform.IntegrationTests.Functions.Data;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Compute.Jobs;

[Collection(DataCollection.Name)]
public sealed class JobBadInputTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Nobody = "00000000000000000000000000000009";

    [Theory]
    [InlineData("""{"recipe":"image-classifier","colour":"red"}""", "colour")]
    [InlineData("""{"recipe":"image-classifier","priority":"soon"}""", "priority")]
    [InlineData("""{"recipe":"image-classifier","resources":{"nodes":"two"}}""", "resources.nodes")]
    [InlineData("""{"recipe":"image-classifier","datasets":[{"dataset":"missing"}]}""", "datasets[0]")]
    [InlineData("""{"recipe":"image-classifier","datasets":[{"dataset":"draft","version":1}]}""", "datasets[0]")]
    [InlineData("""{"recipe":"image-classifier","dependsOn":["00000000000000000000000000000009"]}""", "dependsOn[0]")]
    public async Task A_submission_that_cannot_run_is_refused_and_leaves_nothing(string body, string field)
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.Client.PostAsync<Dataset>($"/v1/projects/{world.Project.Id}/datasets", new CreateDatasetRequest("draft"));
        await world.Client.PostAsync<DatasetVersionDraft>(
            $"/v1/projects/{world.Project.Id}/datasets/draft/versions", new CreateDatasetVersionRequest([Blobs.File("a", "x")]));
        var problem = await world.Client.PostJsonAsync(world.Jobs, body).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Equal([field], problem.Errors!.Keys);
        Assert.Empty((await world.Client.GetAsync<Page<Job>>(world.Jobs)).Items);
        Assert.Empty((await world.Client.GetAsync<Page<Run>>($"/v1/projects/{world.Project.Id}/runs")).Items);
    }

    [Theory]
    [InlineData("""{"eventId":"","jobId":"JOB","attempt":1,"node":0,"kind":"started","at":"2026-01-01T00:00:00Z"}""", "eventId")]
    [InlineData("""{"eventId":"e\u0000","jobId":"JOB","attempt":1,"node":0,"kind":"started","at":"2026-01-01T00:00:00Z"}""", "eventId")]
    [InlineData("""{"eventId":"e","jobId":"other","attempt":1,"node":0,"kind":"started","at":"2026-01-01T00:00:00Z"}""", "jobId")]
    [InlineData("""{"eventId":"e","jobId":"JOB","attempt":0,"node":0,"kind":"started","at":"2026-01-01T00:00:00Z"}""", "attempt")]
    [InlineData("""{"eventId":"e","jobId":"JOB","attempt":1,"node":-1,"kind":"started","at":"2026-01-01T00:00:00Z"}""", "node")]
    [InlineData("""{"eventId":"e","jobId":"JOB","attempt":1,"node":0,"kind":"vanished","at":"2026-01-01T00:00:00Z"}""", "kind")]
    [InlineData("""{"eventId":"e","jobId":"JOB","attempt":1,"node":0,"kind":"started","at":"2026-01-01T00:00:00Z","runnerId":"r\u0000"}""", "runnerId")]
    public async Task An_event_that_makes_no_sense_is_refused(string body, string field)
    {
        var world = await JobWorld.CreateAsync(functions);
        var job = await world.SubmitAsync();
        var problem = await world.Service.PostJsonAsync($"/v1/jobs/{job.Id}/events", body.Replace("JOB", job.Id, StringComparison.Ordinal))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Equal([field], problem.Errors!.Keys);
    }

    [Fact]
    public async Task Only_the_orchestrations_service_reports_events_and_their_times_may_be_of_any_zone()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync();
        var job = await world.SubmitAsync();
        await world.AdmitAsync(job);
        await runner.ClaimAsync(job);
        var at = new DateTimeOffset(2026, 5, 1, 14, 0, 0, TimeSpan.FromHours(2));
        var started = new JobEvent(Guid.NewGuid().ToString("N"), job.Id, 1, 0, JobEventKind.Started, at, RunnerId: runner.Id);
        foreach (var client in (HttpClient[])[world.Client, world.Runner, functions.Job(job.Id, job.RunId)])
        {
            await client.PostJsonAsync($"/v1/jobs/{job.Id}/events", started).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        }

        await world.RaiseAsync(started);
        Assert.Equal(at, (await world.GetAsync(job)).Attempts[0].Nodes[0].StartedAt);
    }

    [Fact]
    public async Task Jobs_of_one_project_are_nothing_in_another_and_to_other_people()
    {
        var world = await JobWorld.CreateAsync(functions);
        var job = await world.SubmitAsync();
        var stranger = await functions.CreateUserAsync();
        var other = await functions.CreateProjectAsync(stranger.Client);
        await stranger.Client.GetAsync($"/v1/jobs/{job.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.Client.PostJsonAsync($"/v1/jobs/{job.Id}/cancel", new CancelJobRequest()).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.Client.GetAsync(world.Jobs).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.Client.GetAsync($"/v1/tasks/{job.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.Client.GetAsync($"/v1/lineage/job/{job.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.Client.GetAsync($"/v1/lineage/planet/{job.Id}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await stranger.Client.PostJsonAsync($"/v1/projects/{other.Id}/jobs", new SubmitJobRequest(Recipe: "image-classifier", DependsOn: [job.Id]))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await stranger.Client.PostAsync<RegisteredModel>($"/v1/projects/{other.Id}/models", new CreateModelRequest("m"));
        await stranger.Client.PostJsonAsync($"/v1/projects/{other.Id}/models/m/versions", new CreateModelVersionRequest(job.RunId, "model.onnx"))
            .ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Empty((await stranger.Client.GetAsync<Page<Contracts.Tasks.PlatformTask>>("/v1/tasks")).Items);
        Assert.Equal(job.Id, Assert.Single((await (await functions.AdministratorAsync()).Client.GetAsync<Page<Job>>(world.Jobs)).Items).Id);
    }

    [Fact]
    public async Task A_submission_with_an_idempotency_key_makes_one_job()
    {
        var world = await JobWorld.CreateAsync(functions);
        var request = new SubmitJobRequest(Recipe: "image-classifier");
        var first = await (await world.Client.PostJsonAsync(world.Jobs, request, ("Idempotency-Key", "k1"))).ReadAsync<JobSubmission>();
        var second = await (await world.Client.PostJsonAsync(world.Jobs, request, ("Idempotency-Key", "k1"))).ReadAsync<JobSubmission>();
        Assert.Equal(first.Job.Id, second.Job.Id);
        await world.Client.PostJsonAsync(world.Jobs, request with { Name = "other" }, ("Idempotency-Key", "k1"))
            .ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.IdempotencyKeyReused);
        Assert.Single((await world.Client.GetAsync<Page<Job>>(world.Jobs)).Items);
    }

    [Fact]
    public async Task Jobs_are_paged_newest_first_and_filtered_by_status()
    {
        var world = await JobWorld.CreateAsync(functions);
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            ids.Insert(0, (await world.SubmitAsync(new SubmitJobRequest(Name: $"job {i}", Recipe: "image-classifier"))).Id);
        }

        var first = await world.Client.GetAsync<Page<Job>>($"{world.Jobs}?pageSize=3");
        var second = await world.Client.GetAsync<Page<Job>>($"{world.Jobs}?pageSize=3&pageToken={first.NextPageToken}");
        Assert.Equal(ids, first.Items.Concat(second.Items).Select(job => job.Id));
        Assert.Null(second.NextPageToken);
        await world.Client.PostJsonAsync($"/v1/jobs/{ids[2]}/cancel", new CancelJobRequest());
        Assert.Equal(ids[2], Assert.Single((await world.Client.GetAsync<Page<Job>>($"{world.Jobs}?status=cancelling")).Items).Id);
        await world.Client.GetAsync($"{world.Jobs}?status=asleep").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await world.Client.GetAsync($"{world.Jobs}?pageToken=!").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidPageToken);
    }

    [Fact]
    public async Task A_log_grows_at_exact_offsets_whatever_is_sent_again()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync();
        var job = await world.SubmitAsync(new SubmitJobRequest(Recipe: "image-classifier", Resources: new JobResources(ProcessesPerNode: 2)));
        await world.AdmitAsync(job);
        var client = functions.Client((await runner.ClaimAsync(job)).JobToken);
        Assert.Equal(5, (await AppendAsync(client, job, 0, "hello")).Length);
        Assert.Equal(5, (await AppendAsync(client, job, 0, "hello")).Length);
        Assert.Equal(11, (await AppendAsync(client, job, 3, "lo world")).Length);
        Assert.Equal(11, (await AppendAsync(client, job, 2, "llo")).Length);
        var problem = await PutAsync(client, job, 20, "x").ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.LogGap);
        Assert.Contains("11", problem.Detail, StringComparison.Ordinal);
        await PutAsync(client, job, 1, "x", rank: 1).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.LogGap);
        await PutAsync(client, job, 0, "x", rank: 2).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await PutAsync(client, job, 0, "x", attempt: 2).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await PutAsync(client, job, 0, new string('x', (1024 * 1024) + 1)).ProblemAsync(HttpStatusCode.RequestEntityTooLarge, ErrorCodes.PayloadTooLarge);
        Assert.Equal("hello world", await world.Client.GetStringAsync($"/v1/jobs/{job.Id}/attempts/1/ranks/0/log"));
        Assert.Equal("lo wo", await world.Client.GetStringAsync($"/v1/jobs/{job.Id}/attempts/1/ranks/0/log?offset=3&limit=5"));
        Assert.Equal(string.Empty, await world.Client.GetStringAsync($"/v1/jobs/{job.Id}/attempts/1/ranks/0/log?offset=11"));
        Assert.Equal(string.Empty, await world.Client.GetStringAsync($"/v1/jobs/{job.Id}/attempts/1/ranks/1/log"));
        await functions.Job(Nobody, job.RunId).PutAsync($"/v1/jobs/{job.Id}/attempts/1/ranks/0/log?offset=0", new StringContent("x"))
            .ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task Ranks_meet_where_node_0_says()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.RegisterAsync();
        var job = await world.SubmitAsync();
        var path = $"/v1/jobs/{job.Id}/attempts/1/rendezvous";
        await world.Runner.SendJsonAsync(HttpMethod.Put, path, new Rendezvous("10.0.0.1", 29500)).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await world.AdmitAsync(job);
        await world.Runner.GetAsync(path).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await world.Runner.SendJsonAsync(HttpMethod.Put, path, new Rendezvous("10.0.0.1", 0)).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await world.Runner.SendJsonAsync(HttpMethod.Put, path, new Rendezvous("10.0.0.1", 29500));
        Assert.Equal(new Rendezvous("10.0.0.1", 29500), await world.Runner.GetAsync<Rendezvous>(path));
        await world.Client.GetAsync(path).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task Models_have_versions_from_artifacts_and_soft_deletion()
    {
        var world = await JobWorld.CreateAsync(functions);
        var root = $"/v1/projects/{world.Project.Id}";
        var model = await world.Client.PostAsync<RegisteredModel>($"{root}/models", new CreateModelRequest("net", "a net"));
        await world.Client.PostJsonAsync($"{root}/models", new CreateModelRequest("NET")).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
        await world.Client.PostAsync<Experiment>($"{root}/experiments", new CreateExperimentRequest("exp"));
        var run = await world.Client.PostAsync<Run>($"{root}/experiments/exp/runs", new CreateRunRequest());
        await world.Client.PostJsonAsync($"{root}/models/net/versions", new CreateModelVersionRequest(run.Id, "m.bin")).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        var upload = await world.Client.PostAsync<ArtifactUpload>($"/v1/runs/{run.Id}/artifacts/uploads", new ArtifactUploadRequest("m.bin", 1, Blobs.Sha256("m")));
        await Blobs.UploadAsync(upload.Url, upload.Headers, "m");
        await world.Client.PostAsync<Artifact>($"/v1/runs/{run.Id}/artifacts", new CommitArtifactRequest("m.bin", 1, Blobs.Sha256("m"), ArtifactKind.Model));
        var versions = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => world.Client.PostAsync<ModelVersion>(
            $"{root}/models/net/versions", new CreateModelVersionRequest(run.Id, "m.bin", new Dictionary<string, double> { ["acc"] = 1 }))));
        Assert.Equal([1, 2, 3, 4], versions.Select(version => version.Version).Order());
        var page = await world.Client.GetAsync<Page<ModelVersion>>($"{root}/models/net/versions?pageSize=3");
        var rest = await world.Client.GetAsync<Page<ModelVersion>>($"{root}/models/net/versions?pageSize=3&pageToken={page.NextPageToken}");
        Assert.Equal([4, 3, 2, 1], page.Items.Concat(rest.Items).Select(version => version.Version));
        Assert.Equal(4, (await world.Client.GetAsync<RegisteredModel>($"{root}/models/net")).LatestVersion);
        await world.Client.GetAsync($"{root}/models/net/versions/9").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await world.Client.DeleteAsync($"{root}/models/net");
        Assert.Empty((await world.Client.GetAsync<Page<RegisteredModel>>($"{root}/models")).Items);
        Assert.Equal(4, (await world.Client.PostAsync<RegisteredModel>($"{root}/models/{model.Id}/restore", new { })).LatestVersion);
    }

    private static Task<HttpResponseMessage> PutAsync(HttpClient client, Job job, long offset, string text, int rank = 0, int attempt = 1)
        => client.PutAsync($"/v1/jobs/{job.Id}/attempts/{attempt}/ranks/{rank}/log?offset={offset}", new ByteArrayContent(Encoding.UTF8.GetBytes(text)));

    private static async Task<LogLength> AppendAsync(HttpClient client, Job job, long offset, string text) => await (await PutAsync(client, job, offset, text)).ReadAsync<LogLength>();
}
