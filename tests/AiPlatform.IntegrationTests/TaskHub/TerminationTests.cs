using AiPlatform.TaskHub.Protobuf;
using AiPlatform.IntegrationTests.Servers;
using Npgsql;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Terminating with all children, while the turn that starts them is being written.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class TerminationTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_child_whose_start_is_not_durable_yet_is_terminated_but_not_a_stranger_of_its_id()
    {
        var database = await postgres.CreateDatabaseAsync("taskhub");
        await using var hub = await HubHarness.StartAsync(database);
        var turn = new TaskCompletionSource<WorkItem>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = RawWorker.Start(hub.GrpcPort, (raw, item) =>
        {
            if (item.OrchestratorRequest?.InstanceId == "parent")
            {
                turn.TrySetResult(item);
                return Task.CompletedTask;
            }

            // The others wait for ever.
            return raw.Stub.CompleteOrchestratorTaskAsync(new() { InstanceId = item.OrchestratorRequest!.InstanceId, CompletionToken = item.CompletionToken }).ResponseAsync;
        });
        await worker.Stub.StartInstanceAsync(new() { InstanceId = "stranger", Name = "Any" });
        await worker.Stub.WaitForInstanceStartAsync(new() { InstanceId = "stranger" }, deadline: DateTime.UtcNow.AddSeconds(20));
        await worker.Stub.StartInstanceAsync(new() { InstanceId = "parent", Name = "Any" });
        var item = await turn.Task.WaitAsync(TimeSpan.FromSeconds(60));

        // Nothing becomes durable while the table is locked.
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("LOCK TABLE log IN SHARE MODE", connection, transaction))
        {
            await hold.ExecuteNonQueryAsync();
        }

        var started = hub.Engine.Turns.CompleteAsync(new()
        {
            InstanceId = "parent",
            CompletionToken = item.CompletionToken,
            Actions =
            {
                new OrchestratorAction { Id = 1, CreateSubOrchestration = new() { InstanceId = "child", Name = "Any" } },
                new OrchestratorAction { Id = 2, CreateSubOrchestration = new() { InstanceId = "stranger", Name = "Any" } },
            },
        });
        var terminated = hub.Engine.Commands.TerminateAsync(await hub.Engine.Hubs.FindAsync("default", default), "parent", "\"all\"", recurse: true, default);
        Assert.False(started.IsCompleted);
        await transaction.CommitAsync();
        await Task.WhenAll(started, terminated).WaitAsync(TimeSpan.FromSeconds(60));

        foreach (var id in (string[])["parent", "child"])
        {
            var state = (await worker.Stub.GetInstanceAsync(new() { InstanceId = id, GetInputsAndOutputs = true })).OrchestrationState;
            Assert.Equal((OrchestrationStatus.Terminated, "\"all\""), (state.OrchestrationStatus, state.Output));
        }

        Assert.Equal(OrchestrationStatus.Running, (await worker.Stub.GetInstanceAsync(new() { InstanceId = "stranger" })).OrchestrationState.OrchestrationStatus);
    }
}
