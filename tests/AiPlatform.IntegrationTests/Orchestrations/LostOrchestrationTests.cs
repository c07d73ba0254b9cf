using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Projects;
using AiPlatform.Contracts.Quality;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.IntegrationTests.TaskHub;
using AiPlatform.Kernel.Orchestrated;
using AiPlatform.Kernel.Postgres;
using AiPlatform.TaskHub.Protobuf;
using Dapper;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace AiPlatform.IntegrationTests.Orchestrations;

/// <summary>Orchestrations that are terminated, purged or lost with their hub tell nobody: what they carried ends within a sweep, and says why.</summary>
[Collection(OrchestrationsCollection.Name)]
public sealed class LostOrchestrationTests(OrchestrationsFixture platform) : IClassFixture<OrchestrationsFixture>
{
    private IServiceProvider Services => platform.Functions.Services;

    private DurableTaskClient Hub => Services.GetRequiredService<DurableTaskClient>();

    [Fact]
    public async Task A_job_whose_orchestration_is_terminated_through_the_status_endpoint_fails_and_says_so()
    {
        var job = await SubmitAsync();
        using var http = platform.Functions.CreateClient(await platform.TokenAsync());
        using var answer = await http.PostAsync($"/durabletask/instances/{job.Id}/terminate?reason=enough", null);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        var ended = await EndAsync(job);
        Assert.Equal(JobStatus.Failed, ended.Status);
        Assert.Equal("Its orchestration was terminated: enough", ended.Reason);
        Assert.NotNull(ended.EndedAt);
    }

    [Fact]
    public async Task A_job_whose_orchestration_was_purged_fails()
    {
        var job = await SubmitAsync();
        await Hub.TerminateInstanceAsync(job.Id);
        await Hub.PurgeInstanceAsync(job.Id);
        var ended = await EndAsync(job);
        Assert.Equal(JobStatus.Failed, ended.Status);
        Assert.Contains("Its orchestration", ended.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_outlives_neither_the_hubs_data_nor_a_cancellation_that_nobody_hears()
    {
        var (lost, cancelled) = (await SubmitAsync(), await SubmitAsync());
        using var channel = RawWorker.Channel(new Uri(platform.HubConnectionString.Split(';')[0]["Endpoint=".Length..]).Port, OrchestrationsFixture.HubKey);
        await new TaskHubSidecarService.TaskHubSidecarServiceClient(channel).DeleteTaskHubAsync(new());
        await platform.Api.CancelJobAsync(cancelled.Id, new CancelJobRequest("not needed"), CancellationToken.None);
        var ended = await EndAsync(lost);
        Assert.Equal((JobStatus.Failed, "Its orchestration is gone: it was purged, or the task hub has lost its data."), (ended.Status, ended.Reason));
        ended = await EndAsync(cancelled);
        Assert.Equal((JobStatus.Cancelled, "not needed"), (ended.Status, ended.Reason));
    }

    [Fact]
    public async Task A_suspended_job_that_is_cancelled_goes_on_and_ends_by_itself()
    {
        var (job, suspended) = (await SubmitAsync(), await SubmitAsync());
        foreach (var id in (string[])[job.Id, suspended.Id])
        {
            await Hub.SuspendInstanceAsync(id, "halted");
            await Eventually.TrueAsync(
                async () => await Hub.GetInstanceAsync(id) is { RuntimeStatus: OrchestrationRuntimeStatus.Suspended }, "the orchestration is suspended");
        }

        await platform.Api.CancelJobAsync(job.Id, new CancelJobRequest("not needed"), CancellationToken.None);
        await SweepAsync(cancelPatience: TimeSpan.FromMinutes(10));
        Assert.Equal(JobStatus.Cancelled, (await EndAsync(job)).Status);
        await Eventually.TrueAsync(
            async () => await Hub.GetInstanceAsync(job.Id) is { RuntimeStatus: OrchestrationRuntimeStatus.Completed }, "the orchestration has ended by itself");

        // One that nobody cancels stays as it is.
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, (await Hub.GetInstanceAsync(suspended.Id))!.RuntimeStatus);
        await platform.Api.CancelJobAsync(suspended.Id, new CancelJobRequest(), CancellationToken.None);
        Assert.Equal(JobStatus.Cancelled, (await EndAsync(suspended)).Status);
    }

    [Fact]
    public async Task A_suspended_import_that_is_cancelled_goes_on_and_ends_by_itself()
    {
        await using var source = await SourceServer.StartAsync();
        var (project, import) = await HangingImportAsync(source);
        await Hub.SuspendInstanceAsync(import.Id, "halted");
        await Eventually.TrueAsync(
            async () => await Hub.GetInstanceAsync(import.Id) is { RuntimeStatus: OrchestrationRuntimeStatus.Suspended }, "the import is suspended");
        await platform.Api.CancelDatasetImportAsync(project, "data", import.Id, CancellationToken.None);
        await SweepAsync(cancelPatience: TimeSpan.FromMinutes(10));
        await Eventually.TrueAsync(
            async () => (import = await platform.Api.GetDatasetImportAsync(project, "data", import.Id, CancellationToken.None)).Status == DatasetImportStatus.Cancelled,
            "the import has ended",
            TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_cancellation_that_is_not_heard_in_time_ends_and_a_living_one_is_left_alone()
    {
        var (job, living) = (await SubmitAsync(), await SubmitAsync());
        await Hub.SuspendInstanceAsync(job.Id, "halted");
        await platform.Api.CancelJobAsync(job.Id, new CancelJobRequest(), CancellationToken.None);
        await SweepAsync(cancelPatience: TimeSpan.Zero);
        Assert.Equal(JobStatus.Cancelled, (await platform.Api.GetJobAsync(job.Id, CancellationToken.None)).Status);
        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await Hub.GetInstanceAsync(job.Id))!.RuntimeStatus);
        Assert.Equal(JobStatus.Waiting, (await platform.Api.GetJobAsync(living.Id, CancellationToken.None)).Status);
        await platform.Api.CancelJobAsync(living.Id, new CancelJobRequest(), CancellationToken.None);
        Assert.Equal(JobStatus.Cancelled, (await EndAsync(living)).Status);
    }

    [Fact]
    public async Task An_import_and_a_report_end_with_their_orchestrations()
    {
        await using var source = await SourceServer.StartAsync();
        var (project, import) = await HangingImportAsync(source);
        await Hub.TerminateInstanceAsync(import.Id, "enough");
        await Eventually.TrueAsync(
            async () => (import = await platform.Api.GetDatasetImportAsync(project, "data", import.Id, CancellationToken.None)).Status == DatasetImportStatus.Failed,
            "the import has ended",
            TimeSpan.FromSeconds(30));
        Assert.Equal(DatasetImportErrors.ProcessLost, import.Code);
        Assert.Contains("terminated: enough", import.Reason, StringComparison.Ordinal);

        var file = source.Add("rows.csv", "a,b\n1,2\n"u8.ToArray());
        import = (await platform.Api.ImportDatasetAsync(project, "data", new CreateDatasetImportRequest(new ImportUrl(file)), CancellationToken.None)).Import;
        await Eventually.TrueAsync(
            async () => (import = await platform.Api.GetDatasetImportAsync(project, "data", import.Id, CancellationToken.None)).EndedAt is not null, "the import is there", TimeSpan.FromSeconds(60));
        var report = (await platform.Api.CreateQualityReportAsync(project, "data", 1, new CreateQualityReportRequest(), CancellationToken.None)).Report;
        await Eventually.TrueAsync(
            async () => (report = await platform.Api.GetQualityReportAsync(report.Id, CancellationToken.None)).EndedAt is not null, "the report is made", TimeSpan.FromSeconds(60));

        // As if the last step's write had been lost.
        await using (var connection = await Services.GetRequiredService<Database>().OpenAsync(CancellationToken.None))
        {
            await connection.ExecuteAsync("UPDATE quality_reports SET status = 'running', ended_at = NULL WHERE id = @Id", new { report.Id });
        }

        await Eventually.TrueAsync(
            async () => (report = await platform.Api.GetQualityReportAsync(report.Id, CancellationToken.None)).Status == QualityReportStatus.Failed,
            "the report has ended",
            TimeSpan.FromSeconds(30));
        Assert.Equal("Its orchestration ended without saying how.", report.Reason);
    }

    [Fact]
    public void Every_orchestration_that_the_api_starts_is_swept()
        => Assert.Equal(
            new[] { DatasetImportInput.Orchestration, QualityReports.Orchestration, TrainingJobEvents.Orchestration }.Order(),
            Services.GetServices<IOrchestratedKind>().Select(kind => kind.Orchestration).Order());

    private Task SweepAsync(TimeSpan cancelPatience)
        => ActivatorUtilities.CreateInstance<OrchestrationSweep>(
            Services, Options.Create(new OrchestrationSweepOptions { MinAge = TimeSpan.Zero, CancelPatience = cancelPatience })).RunAsync(CancellationToken.None);

    // Its source never answers.
    private async Task<(string Project, DatasetImport Import)> HangingImportAsync(SourceServer source)
    {
        var project = await ProjectAsync();
        await platform.Api.CreateDatasetAsync(project, new CreateDatasetRequest("data"), CancellationToken.None);
        var url = new Uri(source.Address, "/hang/file.bin").ToString();
        var import = (await platform.Api.ImportDatasetAsync(project, "data", new CreateDatasetImportRequest(new ImportUrl(url)), CancellationToken.None)).Import;
        await Eventually.TrueAsync(async () => await Hub.GetInstanceAsync(import.Id) is { IsRunning: true }, "the import is under way");
        return (project, import);
    }

    private async Task<string> ProjectAsync()
        => (await platform.Api.CreateProjectAsync(new CreateProjectRequest($"lost-{Guid.NewGuid():N}"[..20]), CancellationToken.None)).Name;

    /// <summary>A job that waits: there is no runner.</summary>
    private async Task<Job> SubmitAsync()
    {
        var request = new SubmitJobRequest(Code: new JobCode("main.py", new Dictionary<string, string>(StringComparer.Ordinal) { ["main.py"] = "print(1)\n" }));
        var job = (await platform.Api.SubmitJobAsync(await ProjectAsync(), request, CancellationToken.None)).Job;
        await Eventually.TrueAsync(
            async () => (await platform.Api.GetJobAsync(job.Id, CancellationToken.None)).Status == JobStatus.Waiting, "the job waits for a runner", TimeSpan.FromSeconds(40));
        return job;
    }

    private async Task<Job> EndAsync(Job job)
    {
        var current = job;
        await Eventually.TrueAsync(
            async () => (current = await platform.Api.GetJobAsync(job.Id, CancellationToken.None)).EndedAt is not null, $"job {job.Id} has ended", TimeSpan.FromSeconds(40));
        return current;
    }
}
