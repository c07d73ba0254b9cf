using System.Net;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Projects;
using AiPlatform.Contracts.Runners;
using AiPlatform.IntegrationTests.Functions.Data;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Compute.Jobs;

/// <summary>A person with a project, the orchestrations service, and runners, as the job tests need them.</summary>
internal sealed class JobWorld(FunctionsFixture functions, TestUser user, Project project)
{
    public FunctionsFixture Functions { get; } = functions;

    public TestUser User { get; } = user;

    public HttpClient Client => User.Client;

    public HttpClient Service { get; } = functions.Service();

    public HttpClient Runner { get; } = functions.Runner();

    public Project Project { get; } = project;

    public string Jobs => $"/v1/projects/{Project.Id}/jobs";

    public static async Task<JobWorld> CreateAsync(FunctionsFixture functions)
    {
        await using var source = NpgsqlDataSource.Create(functions.Postgres);
        // Pools are platform-wide: what other tests left must not compete.
        await using var clean = source.CreateCommand(
            "UPDATE job_nodes SET ended_at = now() WHERE ended_at IS NULL; UPDATE job_attempts SET ended_at = now() WHERE ended_at IS NULL; "
            + "UPDATE jobs SET status = 'failed', ended_at = now() WHERE ended_at IS NULL; UPDATE runners SET status = 'offline'");
        await clean.ExecuteNonQueryAsync();
        var user = await functions.CreateUserAsync();
        return new JobWorld(functions, user, await functions.CreateProjectAsync(user.Client));
    }

    public async Task<Job> SubmitAsync(SubmitJobRequest? request = null)
        => (await Client.PostAsync<JobSubmission>(Jobs, request ?? new SubmitJobRequest(Recipe: "image-classifier"))).Job;

    public Task<Job> GetAsync(Job job) => Client.GetAsync<Job>($"/v1/jobs/{job.Id}");

    public Task<JobAdmission> AdmitAsync(Job job, int attempt = 1) => Service.PostAsync<JobAdmission>($"/v1/jobs/{job.Id}/attempts", new AdmitAttemptRequest(attempt));

    public Task<HttpResponseMessage> SetStatusAsync(Job job, JobStatus status, string? reason = null)
        => Service.PostJsonAsync($"/v1/jobs/{job.Id}/status", new SetJobStatusRequest(status, reason));

    public Task<HttpResponseMessage> EndAttemptAsync(Job job, int attempt, AttemptStatus status)
        => Service.PostJsonAsync($"/v1/jobs/{job.Id}/attempts/{attempt}/end", new EndAttemptRequest(status, "test"));

    public async Task<TestRunner> RegisterAsync(int slots = 4, int gpus = 0, string? id = null, string? session = null)
    {
        var runner = new TestRunner(this, id ?? Guid.CreateVersion7().ToString("N"), session ?? Guid.NewGuid().ToString("N"));
        Device[] devices = [.. Enumerable.Range(0, gpus).Select(i => new Device(i, "gpu", "H200", $"GPU-{i}", 141L << 30))];
        var answer = await Runner.PostAsync<RunnerRegistration>(
            "/v1/runners", new RegisterRunnerRequest(runner.Id, runner.Session, "test", "default", slots, "127.0.0.1", devices, "2.0.0"));
        Assert.Equal(2, answer.HeartbeatSeconds);
        return runner;
    }

    /// <summary>Reports an event as the orchestrations service does.</summary>
    public async Task RaiseAsync(JobEvent jobEvent, FunctionsInstance? instance = null)
    {
        using var other = instance?.CreateClient(Service.DefaultRequestHeaders.Authorization!.Parameter);
        using var answer = await (other ?? Service).PostJsonAsync($"/v1/jobs/{jobEvent.JobId}/events", jobEvent);
        Assert.True(answer.StatusCode == HttpStatusCode.NoContent, $"{(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
    }

    public async Task<IReadOnlyList<string>> OutboxAsync(Job job)
    {
        await using var source = NpgsqlDataSource.Create(Functions.Postgres);
        await using var command = source.CreateCommand("SELECT kind || ' ' || coalesce(name, '') FROM outbox WHERE instance_id = $1 ORDER BY id");
        command.Parameters.Add(new NpgsqlParameter { Value = job.Id });
        var rows = new List<string>();
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    public async Task<int> CountEventsAsync(Job job, string name) => (await OutboxAsync(job)).Count(row => row == $"raise-event {name}");

    public async Task UploadDatasetAsync(string name, params (string Path, string Content)[] files)
    {
        var root = $"/v1/projects/{Project.Id}/datasets";
        await Client.PostAsync<Dataset>(root, new CreateDatasetRequest(name));
        var draft = await Client.PostAsync<DatasetVersionDraft>(
            $"{root}/{name}/versions", new CreateDatasetVersionRequest([.. files.Select(file => Blobs.File(file.Path, file.Content))]));
        foreach (var upload in draft.Uploads)
        {
            await Blobs.UploadAsync(upload.Url, upload.Headers, files.First(file => file.Path == upload.Path).Content);
        }

        await Client.PostAsync<DatasetVersion>($"{root}/{name}/versions/{draft.Version.Version}/commit", new { });
    }
}

/// <summary>A runner as the API sees it.</summary>
internal sealed record TestRunner(JobWorld World, string Id, string Session)
{
    public Task<HttpResponseMessage> TryClaimAsync(Job job, int attempt, int node, HttpClient? client = null)
        => (client ?? World.Runner).PostJsonAsync($"/v1/jobs/{job.Id}/attempts/{attempt}/nodes/{node}/claim", new ClaimNodeRequest(Id, Session, "127.0.0.1"));

    public async Task<NodeAssignment> ClaimAsync(Job job, int attempt = 1, int node = 0) => await (await TryClaimAsync(job, attempt, node)).ReadAsync<NodeAssignment>();

    public Task<HeartbeatResponse> HeartbeatAsync(params RunningNode[] nodes)
        => World.Runner.PostAsync<HeartbeatResponse>($"/v1/runners/{Id}/heartbeat", new HeartbeatRequest(Session, false, [], nodes));

    public Task ReportAsync(Job job, JobEventKind kind, int attempt = 1, int node = 0, string? eventId = null, string? reason = null)
        => World.RaiseAsync(new JobEvent(eventId ?? Guid.NewGuid().ToString("N"), job.Id, attempt, node, kind, DateTimeOffset.UtcNow, null, reason, Id));
}
