using AiPlatform.TaskHub.Protobuf;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Work that no worker can do is parked, is reported, and goes on when its instance is resumed.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class PoisonTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Turns_activities_and_batches_are_parked_with_a_reason_and_revived_by_resume()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"), "--TaskHub:MaxDeliveries=2", "--TaskHub:AbandonPatience=00:00:00");
        var stub = RawWorker.Client(hub.GrpcPort);
        var healthy = false;
        await using var worker = RawWorker.Start(hub.GrpcPort, async (raw, item) =>
        {
            if (item.OrchestratorRequest is { } turn)
            {
                if (turn.InstanceId == "poison-turn" && !Volatile.Read(ref healthy))
                {
                    await raw.Stub.AbandonTaskOrchestratorWorkItemAsync(new() { CompletionToken = item.CompletionToken });
                    return;
                }

                var done = turn.NewEvents.FirstOrDefault(part => part.TaskCompleted is not null)?.TaskCompleted.Result;
                var action = turn.InstanceId == "poison-turn" || done is not null
                    ? new OrchestratorAction { Id = 9, CompleteOrchestration = new() { OrchestrationStatus = OrchestrationStatus.Completed, Result = done ?? "turned" } }
                    : new OrchestratorAction { Id = 1, ScheduleTask = new() { Name = "Breaks" } };
                await raw.Stub.CompleteOrchestratorTaskAsync(new() { InstanceId = turn.InstanceId, CompletionToken = item.CompletionToken, Actions = { action } });
            }
            else if (item.ActivityRequest is { } activity)
            {
                await (Volatile.Read(ref healthy)
                    ? raw.Stub.CompleteActivityTaskAsync(new() { InstanceId = activity.OrchestrationInstance.InstanceId, TaskId = activity.TaskId, CompletionToken = item.CompletionToken, Result = "acted" }).ResponseAsync
                    : (Task)raw.Stub.AbandonTaskActivityWorkItemAsync(new() { CompletionToken = item.CompletionToken }).ResponseAsync);
            }
            else if (item.EntityRequestV2 is not null)
            {
                await (Volatile.Read(ref healthy)
                    ? raw.Stub.CompleteEntityTaskAsync(new() { CompletionToken = item.CompletionToken, Results = { new OperationResult { Success = new() } }, EntityState = "\"kept\"" }).ResponseAsync
                    : (Task)raw.Stub.AbandonTaskEntityWorkItemAsync(new() { CompletionToken = item.CompletionToken }).ResponseAsync);
            }
        });
        string[] ids = ["poison-turn", "poison-activity", "@poison@batch"];
        await stub.StartInstanceAsync(new() { InstanceId = ids[0], Name = "Any" });
        await stub.StartInstanceAsync(new() { InstanceId = ids[1], Name = "Any" });
        await stub.SignalEntityAsync(new() { InstanceId = ids[2], Name = "any" });
        await Eventually.TrueAsync(async () => await hub.GetAsync("/stuck") is var report && ids.All(id => report.Contains(id, StringComparison.Ordinal)), "all three are parked", TimeSpan.FromSeconds(20));

        await hub.StopHubAsync();
        await hub.StartHubAsync("--TaskHub:MaxDeliveries=2", "--TaskHub:AbandonPatience=00:00:00");
        Assert.Equal(3, (await hub.GetAsync("/stuck")).Split("\"parked\"").Length - 1);
        Volatile.Write(ref healthy, true);
        foreach (var id in ids)
        {
            await stub.ResumeInstanceAsync(new() { InstanceId = id });
        }

        foreach (var (id, output) in (IEnumerable<(string, string)>)[(ids[0], "turned"), (ids[1], "acted")])
        {
            var ended = await stub.WaitForInstanceCompletionAsync(new() { InstanceId = id, GetInputsAndOutputs = true }, deadline: DateTime.UtcNow.AddSeconds(20));
            Assert.Equal(output, ended.OrchestrationState.Output);
        }

        await Eventually.TrueAsync(async () => (await stub.GetEntityAsync(new() { InstanceId = ids[2] })).Exists, "the entity has run", TimeSpan.FromSeconds(20));
        Assert.Equal("[]", await hub.GetAsync("/stuck"));
    }
}
