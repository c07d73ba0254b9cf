using System.Net;
using AiPlatform.Compute.Jobs;
using AiPlatform.Compute.Runners;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Compute.Jobs;

[Collection(DataCollection.Name)]
public sealed class RunnerTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task A_runner_is_listed_with_its_devices_and_newest_samples()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync(slots: 2, gpus: 2);
        await world.Runner.PostAsync<HeartbeatResponse>(
            $"/v1/runners/{runner.Id}/heartbeat", new HeartbeatRequest(runner.Session, true, [new DeviceSample(0, 75, 1L << 30, 60, 300, [new DeviceProcess(1, 2)])], []));
        var read = await world.Client.GetAsync<Runner>($"/v1/runners/{runner.Id}");
        Assert.Equal((RunnerStatus.Draining, 2, 2, 75d), (read.Status, read.Slots, read.Devices.Count, read.Samples[0].UtilizationPercent));
        Assert.Equal("H200", read.Devices[1].Name);
        var first = await world.Client.GetAsync<Page<Runner>>("/v1/runners?pageSize=1");
        Assert.Equal(runner.Id, Assert.Single(first.Items).Id);
        await world.Client.GetAsync("/v1/runners/none").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await world.Client.PostJsonAsync($"/v1/runners/{runner.Id}/heartbeat", new HeartbeatRequest(runner.Session, false, [], []))
            .ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task A_draining_runner_gets_no_gang()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync();
        var job = await world.SubmitAsync();
        await world.Runner.PostAsync<HeartbeatResponse>($"/v1/runners/{runner.Id}/heartbeat", new HeartbeatRequest(runner.Session, true, [], []));
        Assert.Equal(AdmissionBlock.Capacity, (await world.AdmitAsync(job)).Block);
        await runner.HeartbeatAsync();
        Assert.Equal(1, await world.CountEventsAsync(job, "capacity"));
        Assert.True((await world.AdmitAsync(job)).Admitted);
    }

    [Fact]
    public async Task A_restarted_runner_loses_the_nodes_of_its_earlier_life_at_once()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync();
        var job = await world.SubmitAsync();
        await world.AdmitAsync(job);
        await runner.ClaimAsync(job);
        await runner.ReportAsync(job, JobEventKind.Started);
        await world.RegisterAsync(id: runner.Id, session: "second-life");
        var node = (await world.GetAsync(job)).Attempts[0].Nodes[0];
        Assert.Equal((AttemptStatus.Lost, $"Runner {runner.Id} was restarted."), (node.Status, node.Reason));
        Assert.Equal(2, await world.CountEventsAsync(job, "job-event"));
        await world.Runner.PostJsonAsync($"/v1/runners/{runner.Id}/heartbeat", new HeartbeatRequest(runner.Session, false, [], []))
            .ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await runner.TryClaimAsync(job, 1, 0).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.NodeClaimed);
    }

    [Fact]
    public async Task A_silent_runner_is_offline_and_its_nodes_are_lost_once_though_two_instances_watch()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync();
        var job = await world.SubmitAsync();
        await world.AdmitAsync(job);
        await runner.ClaimAsync(job);
        await ExecuteAsync("UPDATE runners SET last_heartbeat_at = now() - interval '31 seconds' WHERE id = $1", runner.Id);
        await ExecuteAsync("DELETE FROM runner_watch WHERE $1 = $1", runner.Id);
        await using var another = await functions.StartAnotherAsync();
        var watches = new[] { functions.App, another }.Select(instance => instance.Services.GetRequiredService<RunnerWatch>()).ToArray();

        // The platform has only just begun to listen: silence says nothing yet.
        await Task.WhenAll(watches.Select(watch => watch.RunAsync(CancellationToken.None)));
        Assert.Equal(RunnerStatus.Online, (await world.Client.GetAsync<Runner>($"/v1/runners/{runner.Id}")).Status);

        await ExecuteAsync("UPDATE runner_watch SET listening_since = now() - interval '1 minute' WHERE $1 = $1", runner.Id);
        await Task.WhenAll(watches.Select(watch => watch.RunAsync(CancellationToken.None)));
        Assert.Equal(RunnerStatus.Offline, (await world.Client.GetAsync<Runner>($"/v1/runners/{runner.Id}")).Status);
        Assert.Equal(AttemptStatus.Lost, (await world.GetAsync(job)).Attempts[0].Nodes[0].Status);
        Assert.Equal(1, await world.CountEventsAsync(job, "job-event"));
        await runner.HeartbeatAsync();
        Assert.Equal(RunnerStatus.Online, (await world.Client.GetAsync<Runner>($"/v1/runners/{runner.Id}")).Status);
    }

    [Fact]
    public async Task An_event_that_comes_twice_on_two_instances_is_applied_once()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync();
        var job = await world.SubmitAsync();
        await world.AdmitAsync(job);
        await runner.ClaimAsync(job);
        await using var another = await functions.StartAnotherAsync();
        var started = new JobEvent("e1" + job.Id, job.Id, 1, 0, JobEventKind.Started, DateTimeOffset.UtcNow, RunnerId: runner.Id);
        var failed = started with { EventId = "e2" + job.Id, Kind = JobEventKind.Failed, ExitCode = 3, Reason = "exit code 3" };
        await Task.WhenAll(world.RaiseAsync(started), world.RaiseAsync(started, another));
        await Task.WhenAll(world.RaiseAsync(failed), world.RaiseAsync(failed, another));
        await world.RaiseAsync(failed with { EventId = "e3" + job.Id, Kind = JobEventKind.Lost });
        await world.RaiseAsync(started with { EventId = "e4" + job.Id, Node = 7 });
        await world.RaiseAsync(started with { EventId = "e5" + job.Id, JobId = "unknown" });
        Assert.Equal(2, await world.CountEventsAsync(job, "job-event"));
        var node = (await world.GetAsync(job)).Attempts[0].Nodes[0];
        Assert.Equal((AttemptStatus.Failed, 3, "exit code 3"), (node.Status, node.ExitCode, node.Reason));
    }

    [Fact]
    public async Task A_node_that_finishes_before_its_start_is_heard_of_has_run()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync();
        var job = await world.SubmitAsync();
        await world.AdmitAsync(job);
        await runner.ClaimAsync(job);
        await runner.ReportAsync(job, JobEventKind.Finished);
        await runner.ReportAsync(job, JobEventKind.Started);
        Assert.Equal(JobStatus.Running, (await world.GetAsync(job)).Status);
        Assert.Equal(AttemptStatus.Succeeded, (await world.GetAsync(job)).Attempts[0].Nodes[0].Status);
    }

    [Fact]
    public async Task A_heartbeat_stops_nodes_that_the_runner_should_not_have_and_closes_those_that_never_began()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync();
        var other = await world.RegisterAsync();
        var job = await world.SubmitAsync();
        await world.AdmitAsync(job);
        await other.ClaimAsync(job);
        var answer = await runner.HeartbeatAsync(new RunningNode(job.Id, 1, 0), new RunningNode("unknown", 1, 0));
        Assert.Equal(2, answer.Commands.Count);
        Assert.All(answer.Commands, command => Assert.Equal(RunnerCommandKind.Cancel, command.Kind));
        Assert.Empty(answer.Tokens);

        await other.HeartbeatAsync();
        Assert.Equal(AttemptStatus.Queued, (await world.GetAsync(job)).Attempts[0].Nodes[0].Status);
        await ExecuteAsync("UPDATE job_nodes SET claimed_at = now() - interval '3 minutes' WHERE job_id = $1", job.Id);
        await other.HeartbeatAsync();
        Assert.Equal(AttemptStatus.Lost, (await world.GetAsync(job)).Attempts[0].Nodes[0].Status);
    }

    [Fact]
    public async Task A_bad_registration_is_refused()
    {
        var world = await JobWorld.CreateAsync(functions);
        var good = new RegisterRunnerRequest(Guid.CreateVersion7().ToString("N"), "s", "n", "default", 1, "h", []);
        foreach (var bad in new[] { good with { Id = "x" }, good with { Slots = 0 }, good with { Pool = "No Pool" }, good with { SessionId = string.Empty } })
        {
            await world.Runner.PostJsonAsync("/v1/runners", bad).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        }

        await world.Client.PostJsonAsync("/v1/runners", good).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    private async Task ExecuteAsync(string sql, string parameter)
    {
        await using var source = NpgsqlDataSource.Create(functions.Postgres);
        await using var command = source.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        await command.ExecuteNonQueryAsync();
    }
}
