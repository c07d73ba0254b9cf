using System.Net;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.IntegrationTests.TaskHub;
using AiPlatform.Orchestrations;
using AiPlatform.Orchestrations.Maintenance;
using Microsoft.AspNetCore.Builder;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.IntegrationTests.Orchestrations;

/// <summary>The orchestrations worker and its hub: readiness, and the upkeep of the hub.</summary>
[Collection(OrchestrationsCollection.Name)]
public sealed class MaintenanceTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_worker_is_ready_only_while_it_is_connected_to_its_hub()
    {
        await using var hub = new HubHarness(await postgres.CreateDatabaseAsync("hub"));
        await using var worker = await StartWorkerAsync(hub);
        using var http = new HttpClient { BaseAddress = new Uri(worker.Urls.Single()) };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/health/ready")).StatusCode);

        await hub.StartHubAsync();
        await ReadyAsync(http, HttpStatusCode.OK);
        await hub.StopHubAsync();
        await ReadyAsync(http, HttpStatusCode.ServiceUnavailable);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
    }

    [Fact]
    public async Task Ended_instances_are_removed_by_a_durable_schedule_that_never_ends()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("hub"));
        await using var worker = await StartWorkerAsync(hub, "--Orchestrations:Retention:KeepFailed=00:00:00", "--Orchestrations:Retention:Interval=00:00:00.200");
        await StartFailingWorkerAsync(hub);

        // Not waited for: it may be removed as soon as it has failed.
        var failed = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Fails");
        await Eventually.TrueAsync(async () => await hub.Client.GetInstanceAsync(failed) is null, "the failed instance is removed");

        var schedule = await hub.Client.GetInstanceAsync(InstanceRetention.InstanceId);
        Assert.Equal(OrchestrationRuntimeStatus.Running, schedule!.RuntimeStatus);
        var again = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Fails");
        await Eventually.TrueAsync(async () => await hub.Client.GetInstanceAsync(again) is null, "the next one is removed too");
    }

    [Fact]
    public async Task What_others_start_on_the_hub_is_left_to_their_workers()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("hub"));
        await using var worker = await StartWorkerAsync(hub);
        var foreign = await hub.Client.ScheduleNewOrchestrationInstanceAsync("Fails");
        await Eventually.TrueAsync(async () => await hub.Client.GetInstanceAsync(InstanceRetention.InstanceId) is { IsRunning: true }, "the platform's own work is done");
        Assert.Equal(OrchestrationRuntimeStatus.Pending, (await hub.Client.GetInstanceAsync(foreign))!.RuntimeStatus);
        await StartFailingWorkerAsync(hub);
        Assert.Contains("theirs", (await hub.EndAsync(foreign)).FailureDetails!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retention_that_is_switched_off_ends_the_schedule()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("hub"));
        await using (await StartWorkerAsync(hub))
        {
            await Eventually.TrueAsync(async () => await hub.Client.GetInstanceAsync(InstanceRetention.InstanceId) is { IsRunning: true }, "the schedule runs");
        }

        await using var worker = await StartWorkerAsync(hub, "--Orchestrations:Retention:Enabled=false");
        await Eventually.TrueAsync(async () => await hub.Client.GetInstanceAsync(InstanceRetention.InstanceId) is { IsCompleted: true }, "the schedule has ended");
    }

    private static Task<IHost> StartFailingWorkerAsync(HubHarness hub) => hub.StartWorkerAsync(
        registry => registry.AddOrchestratorFunc<object?, string>("Fails", Task<string> (_, _) => throw new InvalidOperationException("theirs")),
        filters: true);

    private static async Task ReadyAsync(HttpClient http, HttpStatusCode expected)
        => await Eventually.TrueAsync(async () => (await http.GetAsync("/health/ready")).StatusCode == expected, $"readiness is {expected}");

    private static async Task<WebApplication> StartWorkerAsync(HubHarness hub, params string[] settings)
    {
        var app = OrchestrationsApp.Build(
        [
            "--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=Error", $"--ConnectionStrings:TaskHub={hub.SchedulerConnectionString("default")}",
            "--ConnectionStrings:ServiceBus=Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0;UseDevelopmentEmulator=true",
            "--Orchestrations:ApiUrl=http://127.0.0.1:1", "--Orchestrations:ClientSecret=secret", .. settings,
        ]);
        await app.StartAsync();
        return app;
    }
}
