using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Projects;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Orchestrations;

[Collection(OrchestrationsCollection.Name)]
public sealed class TrainingJobTests(OrchestrationsFixture platform) : IClassFixture<OrchestrationsFixture>
{
    [Fact]
    public async Task A_job_on_two_nodes_succeeds_when_both_have_finished()
    {
        await using var runner = await TestRunner.StartAsync(platform, slots: 2);
        var job = await SubmitAsync(nodes: 2);

        var first = await runner.TakeAsync();
        var second = await runner.TakeAsync();
        Assert.Equal([0, 1], new[] { first.Message.Node, second.Message.Node }.Order());
        await runner.ReportAsync(first.Message, JobEventKind.Started);
        await runner.ReportAsync(second.Message, JobEventKind.Started);
        await WaitAsync(job, JobStatus.Running);
        await runner.ReportAsync(first.Message, JobEventKind.Finished, 0);
        await runner.ReportAsync(second.Message, JobEventKind.Finished, 0);

        var ended = await WaitAsync(job, JobStatus.Succeeded);
        Assert.Equal(AttemptStatus.Succeeded, Assert.Single(ended.Attempts).Status);
        Assert.NotNull(ended.EndedAt);
        Assert.Equal(RunStatus.Finished, (await platform.Api.GetRunAsync(job.RunId, CancellationToken.None)).Status);
    }

    [Fact]
    public async Task A_failed_node_stops_the_gang_and_the_next_attempt_succeeds()
    {
        await using var runner = await TestRunner.StartAsync(platform, slots: 2);
        var job = await SubmitAsync(nodes: 2, retry: new JobRetry(MaxAttempts: 2, FirstDelaySeconds: 0.1));
        var failing = await runner.TakeAsync();
        var other = await runner.TakeAsync();
        await runner.ReportAsync(failing.Message, JobEventKind.Started);
        await runner.ReportAsync(other.Message, JobEventKind.Started);

        await runner.ReportAsync(failing.Message, JobEventKind.Failed, 3, "exit code 3");
        await runner.WaitForCancelAsync(other.Message);
        await runner.ReportAsync(other.Message, JobEventKind.Cancelled);
        for (var node = 0; node < 2; node++)
        {
            var next = await runner.TakeAsync();
            Assert.Equal(2, next.Assignment.Attempt);
            await runner.ReportAsync(next.Message, JobEventKind.Started);
            await runner.ReportAsync(next.Message, JobEventKind.Finished, 0);
        }

        var ended = await WaitAsync(job, JobStatus.Succeeded);
        Assert.Equal([AttemptStatus.Failed, AttemptStatus.Succeeded], ended.Attempts.OrderBy(attempt => attempt.Attempt).Select(attempt => attempt.Status));
    }

    [Fact]
    public async Task A_job_whose_attempts_are_used_up_fails_with_the_reason_of_the_last()
    {
        await using var runner = await TestRunner.StartAsync(platform, slots: 1);
        var job = await SubmitAsync(retry: new JobRetry(MaxAttempts: 1));
        var node = await runner.TakeAsync();
        await runner.ReportAsync(node.Message, JobEventKind.Started);

        await runner.ReportAsync(node.Message, JobEventKind.Failed, 1, "ValueError: bad data");

        var ended = await WaitAsync(job, JobStatus.Failed);
        Assert.Contains("ValueError: bad data", ended.Reason, StringComparison.Ordinal);
        Assert.Equal(1, Assert.Single(Assert.Single(ended.Attempts).Nodes).ExitCode);
    }

    [Fact]
    public async Task A_lost_node_is_run_again_although_the_job_allows_one_attempt()
    {
        await using var runner = await TestRunner.StartAsync(platform, slots: 1);
        var job = await SubmitAsync(retry: new JobRetry(MaxAttempts: 1));
        var lost = await runner.TakeAsync();
        await runner.ReportAsync(lost.Message, JobEventKind.Started);

        await runner.ReportAsync(lost.Message, JobEventKind.Lost, reason: "the runner restarted");
        var again = await runner.TakeAsync();
        await runner.ReportAsync(again.Message, JobEventKind.Started);
        await runner.ReportAsync(again.Message, JobEventKind.Finished, 0);

        Assert.Equal(2, again.Assignment.Attempt);
        await WaitAsync(job, JobStatus.Succeeded);
    }

    [Fact]
    public async Task A_running_job_that_is_cancelled_ends_when_its_node_has_stopped()
    {
        await using var runner = await TestRunner.StartAsync(platform, slots: 1);
        var job = await SubmitAsync();
        var node = await runner.TakeAsync();
        await runner.ReportAsync(node.Message, JobEventKind.Started);
        await WaitAsync(job, JobStatus.Running);

        await platform.Api.CancelJobAsync(job.Id, new CancelJobRequest("wrong data"), CancellationToken.None);
        await runner.WaitForCancelAsync(node.Message);
        await runner.ReportAsync(node.Message, JobEventKind.Cancelled);

        var ended = await WaitAsync(job, JobStatus.Cancelled);
        Assert.Equal("wrong data", ended.Reason);
        Assert.Equal(RunStatus.Killed, (await platform.Api.GetRunAsync(job.RunId, CancellationToken.None)).Status);
    }

    [Fact]
    public async Task A_job_waits_for_capacity_and_begins_when_a_runner_comes()
    {
        var job = await SubmitAsync(nodes: 3);
        var waiting = await WaitAsync(job, JobStatus.Waiting);
        Assert.NotNull(waiting.Reason);

        await using var runner = await TestRunner.StartAsync(platform, slots: 3);
        for (var i = 0; i < 3; i++)
        {
            var node = await runner.TakeAsync();
            await runner.ReportAsync(node.Message, JobEventKind.Started);
            await runner.ReportAsync(node.Message, JobEventKind.Finished, 0);
        }

        await WaitAsync(job, JobStatus.Succeeded);
    }

    [Fact]
    public async Task A_waiting_job_can_be_cancelled()
    {
        var job = await SubmitAsync(nodes: 40);
        await WaitAsync(job, JobStatus.Waiting);

        await platform.Api.CancelJobAsync(job.Id, new CancelJobRequest(), CancellationToken.None);

        Assert.Empty((await WaitAsync(job, JobStatus.Cancelled)).Attempts);
    }

    [Fact]
    public async Task A_job_follows_the_one_that_it_depends_on_and_fails_when_that_one_fails()
    {
        await using var runner = await TestRunner.StartAsync(platform, slots: 1);
        var project = await ProjectAsync();
        var first = await SubmitAsync(project: project);
        var second = await SubmitAsync(project: project, dependsOn: [first.Id], retry: new JobRetry(MaxAttempts: 1));
        var third = await SubmitAsync(project: project, dependsOn: [second.Id]);

        var node = await runner.TakeAsync();
        Assert.Equal(first.Id, node.Assignment.JobId);
        await runner.ReportAsync(node.Message, JobEventKind.Started);
        await WaitAsync(second, JobStatus.Waiting);
        await runner.ReportAsync(node.Message, JobEventKind.Finished, 0);
        var next = await runner.TakeAsync();
        Assert.Equal(second.Id, next.Assignment.JobId);
        await runner.ReportAsync(next.Message, JobEventKind.Failed, 1, "no");

        await WaitAsync(second, JobStatus.Failed);
        var ended = await WaitAsync(third, JobStatus.Failed);
        Assert.Contains(second.Id, ended.Reason, StringComparison.Ordinal);
        Assert.Empty(ended.Attempts);
    }

    [Fact]
    public async Task An_event_that_arrives_twice_counts_once()
    {
        await using var runner = await TestRunner.StartAsync(platform, slots: 2);
        var job = await SubmitAsync(nodes: 2);
        var first = await runner.TakeAsync();
        var second = await runner.TakeAsync();

        await runner.ReportAsync(first.Message, JobEventKind.Started);
        await runner.ReportAsync(second.Message, JobEventKind.Started);
        await runner.ReportAsync(first.Message, JobEventKind.Finished, 0);
        await runner.ReportAsync(first.Message, JobEventKind.Finished, 0);
        await WaitAsync(job, JobStatus.Running);
        var stillRunning = await platform.Api.GetJobAsync(job.Id, CancellationToken.None);
        Assert.Equal(JobStatus.Running, stillRunning.Status);
        await runner.ReportAsync(second.Message, JobEventKind.Finished, 0);

        await WaitAsync(job, JobStatus.Succeeded);
    }

    private async Task<string> ProjectAsync()
        => (await platform.Api.CreateProjectAsync(new CreateProjectRequest($"jobs-{Guid.NewGuid():N}"), CancellationToken.None)).Id;

    private async Task<Job> SubmitAsync(int nodes = 1, JobRetry? retry = null, string? project = null, IReadOnlyList<string>? dependsOn = null)
    {
        var request = new SubmitJobRequest(
            Code: new JobCode("main.py", new Dictionary<string, string>(StringComparer.Ordinal) { ["main.py"] = "print(1)\n" }),
            Resources: new JobResources(Nodes: nodes), Retry: retry, DependsOn: dependsOn);
        return (await platform.Api.SubmitJobAsync(project ?? await ProjectAsync(), request, CancellationToken.None)).Job;
    }

    private async Task<Job> WaitAsync(Job job, JobStatus status)
    {
        var current = job;
        await Eventually.TrueAsync(
            async () => (current = await platform.Api.GetJobAsync(job.Id, CancellationToken.None)).Status == status,
            $"job {job.Id} becomes {status}",
            TimeSpan.FromSeconds(40));
        return current;
    }
}
