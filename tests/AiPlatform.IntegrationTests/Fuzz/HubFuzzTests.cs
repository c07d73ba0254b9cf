using AiPlatform.Fuzz.Fuzzing;
using AiPlatform.Fuzz.Protocols;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.IntegrationTests.TaskHub;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.DurableTask.Protobuf;

namespace AiPlatform.IntegrationTests.Fuzz;

/// <summary>A short run of the fuzzer of the task hub, the same messages every time, and what it once found.</summary>
[Collection(ServersCollection.Name)]
public sealed class HubFuzzTests(PostgresFixture postgres)
{
    private const int Calls = 3_000;

    [Fact]
    public async Task No_call_breaks_the_hub()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("fuzzed_hub"));
        using var channel = Channel(hub);
        var report = new FuzzReport();
        var fuzzer = new HubFuzzer(report, channel, "fuzz", HubHarness.AccessKey);
        await fuzzer.RunAsync(11, FuzzBudget.Of(Calls));
        await fuzzer.RequireServingAsync();
        Assert.True(report.Findings.Count == 0, report.Explain());
        Assert.InRange(report.Tried, Calls, Calls + 10);
        Assert.InRange(report.Outcome("hub StartInstance OK"), 10, Calls);
    }

    // What started found the hub before it was deleted: its rows had no place, and the engine stopped, for every hub.
    [Fact]
    public async Task A_task_hub_can_be_deleted_while_instances_and_entities_begin_in_it()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("deleted_hub"));
        using var channel = Channel(hub);
        var client = new TaskHubSidecarService.TaskHubSidecarServiceClient(channel);
        var headers = new Metadata { { "taskhub", "short-lived" }, { "authorization", $"Bearer {HubHarness.AccessKey}" } };
        var engine = hub.Engine;
        var (started, refused) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            for (var i = 0; i < 60; i++)
            {
                try
                {
                    if (worker == 0)
                    {
                        await client.DeleteTaskHubAsync(new(), headers);
                    }
                    else if (worker % 2 == 0)
                    {
                        await client.SignalEntityAsync(new() { InstanceId = $"@counter@{worker}-{i}", Name = "add", RequestId = Guid.NewGuid().ToString() }, headers);
                    }
                    else
                    {
                        await client.StartInstanceAsync(new() { InstanceId = $"{worker}-{i}", Name = "Any" }, headers);
                        Interlocked.Increment(ref started);
                    }
                }
                catch (RpcException exception) when (exception.StatusCode == StatusCode.Aborted)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        }));
        Assert.False(engine.Faulted.IsCompleted);
        Assert.Same(engine, hub.Engine);
        Assert.InRange(started, 60, 240);
        await client.StartInstanceAsync(new() { InstanceId = "last", Name = "Any" }, headers);
        Assert.True((await client.GetInstanceAsync(new() { InstanceId = "last" }, headers)).Exists);
    }

    private static GrpcChannel Channel(HubHarness hub) => GrpcChannel.ForAddress($"http://127.0.0.1:{hub.GrpcPort}");
}
