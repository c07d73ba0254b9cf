using AiPlatform.DurableTask.Protobuf;
using AiPlatform.IntegrationTests.Servers;
using Grpc.Core;
using Grpc.Net.Client;
using Npgsql;
using WorkerStream = AiPlatform.DurableTask.Worker.CompletionStream;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Results over one stream are answered one by one, as the calls of the protocol would be.</summary>
[Collection(ServersCollection.Name)]
public sealed class CompletionStreamTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Each_result_has_its_own_answer_and_a_broken_stream_answers_the_rest()
    {
        var database = await postgres.CreateDatabaseAsync("taskhub");
        await using var hub = await HubHarness.StartAsync(database);
        var turns = new TaskCompletionSource<WorkItem>[] { new(), new() };
        await using var worker = RawWorker.Start(hub.GrpcPort, (_, item) =>
        {
            turns[int.Parse(item.OrchestratorRequest.InstanceId)].TrySetResult(item);
            return Task.CompletedTask;
        });
        await worker.Stub.StartInstanceAsync(new() { InstanceId = "0", Name = "Any" });
        await worker.Stub.StartInstanceAsync(new() { InstanceId = "1", Name = "Any" });
        using var stop = new CancellationTokenSource();
        using var channel = RawWorker.Channel(hub.GrpcPort);
        var stream = new WorkerStream(new CompletionStream.CompletionStreamClient(channel), stop.Token);

        var first = (await turns[0].Task.WaitAsync(TimeSpan.FromSeconds(20))).CompletionToken;
        var answers = await Task.WhenAll(
            stream.SendAsync(Turn(first)),
            stream.SendAsync(new() { Activity = new() { CompletionToken = "a:0:1:1:1:x" } }),
            stream.SendAsync(new() { Entity = new() { CompletionToken = "nonsense" } }),
            stream.SendAsync(new())).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(
            [StatusCode.OK, StatusCode.FailedPrecondition, StatusCode.FailedPrecondition, StatusCode.InvalidArgument],
            answers.Select(answer => answer.StatusCode));
        Assert.Equal(OrchestrationStatus.Completed, (await worker.Stub.GetInstanceAsync(new() { InstanceId = "0" })).OrchestrationState.OrchestrationStatus);

        // A repetition is answered like the first, and nothing is answered before it is durable.
        Assert.Equal(StatusCode.OK, (await stream.SendAsync(Turn(first))).StatusCode);
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("LOCK TABLE log IN SHARE MODE", connection, transaction))
        {
            await hold.ExecuteNonQueryAsync();
        }

        var held = stream.SendAsync(Turn((await turns[1].Task.WaitAsync(TimeSpan.FromSeconds(20))).CompletionToken));
        Assert.Equal(StatusCode.FailedPrecondition, (await stream.SendAsync(new() { Entity = new() { CompletionToken = "nonsense" } })).StatusCode);
        Assert.False(held.IsCompleted);
        await stop.CancelAsync();
        Assert.Equal(StatusCode.Unavailable, (await held.WaitAsync(TimeSpan.FromSeconds(20))).StatusCode);
        Assert.Equal(StatusCode.Unavailable, (await stream.SendAsync(Turn(first)).WaitAsync(TimeSpan.FromSeconds(20))).StatusCode);
        await transaction.CommitAsync();
    }

    private static Completion Turn(string token) => new()
    {
        Orchestrator = new()
        {
            CompletionToken = token,
            Actions = { new OrchestratorAction { Id = 1, CompleteOrchestration = new() { OrchestrationStatus = OrchestrationStatus.Completed } } },
        },
    };
}
