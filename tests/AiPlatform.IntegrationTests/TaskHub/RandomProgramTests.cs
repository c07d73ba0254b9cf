using System.Collections.Concurrent;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.TaskHub.Protobuf;
using CsCheck;
using Grpc.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>
/// Random orchestrator programs give the result that they must give, though results come twice, late and out of order, work is given
/// back, workers vanish and the hub restarts.
/// </summary>
[Collection(TaskHubCollection.Name)]
public sealed class RandomProgramTests(PostgresFixture postgres)
{
    private const int Programs = 60;

    /// <summary>A program: activities and timers, in sequence, at once, or in a sub-orchestration.</summary>
    internal sealed record Step(string Kind, int Value, Step[] Parts)
    {
        private static readonly string[] Composites = ["sequence", "all", "sub"];

        public static readonly Gen<Step> Any = Of(3);

        /// <summary>What the program returns.</summary>
        public int Result => Kind == "activity" ? Value + 1 : Parts.Sum(part => part.Result);

        private static Gen<Step> Of(int depth)
        {
            var leaf = Gen.Select(Gen.Int[0, 2], Gen.Int[0, 30], (kind, value) => new Step(kind == 0 ? "timer" : "activity", value, []));
            return depth == 0 ? leaf : Gen.Frequency((1, leaf), (3, Gen.Select(Gen.Int[0, 2], Of(depth - 1).Array[1, 4], (kind, parts) => new Step(Composites[kind], 0, parts))));
        }
    }

    [Fact]
    public async Task Random_programs_give_their_result_whatever_happens_to_deliveries()
    {
        await using var hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"), "--TaskHub:MaxDeliveries=1000");
        await hub.StartWorkerAsync(registry => registry.AddOrchestratorFunc<Step, int>("Program", RunAsync), filters: true);
        await hub.StartWorkerAsync(registry => registry.AddOrchestratorFunc<Step, int>("Program", RunAsync), filters: true);
        var request = new GetWorkItemsRequest { WorkItemFilters = new() { Activities = { new ActivityFilter { Name = "PlusOne" } } } };
        var pending = new ConcurrentBag<Task>();
        Task TakeAsync(RawWorker worker, WorkItem item)
        {
            if (item.ActivityRequest is not null)
            {
                pending.Add(Task.Run(() => AnswerAsync(worker, item)));
            }

            return Task.CompletedTask;
        }

        await using var first = RawWorker.Start(hub.GrpcPort, TakeAsync, request);
        await using var second = RawWorker.Start(hub.GrpcPort, TakeAsync, request);
        var programs = new List<Step>();
        Step.Any.Sample(programs.Add, iter: Programs, threads: 1);
        var runs = programs.Select(async program => (Program: program, Id: await hub.Client.ScheduleNewOrchestrationInstanceAsync("Program", program))).ToArray();
        await Task.WhenAll(runs);
        await hub.StopHubAsync();
        await hub.StartHubAsync("--TaskHub:MaxDeliveries=1000");
        foreach (var run in runs)
        {
            var (program, id) = await run;
            var ended = await hub.EndAsync(id);
            Assert.True(ended.RuntimeStatus == OrchestrationRuntimeStatus.Completed, $"{program}: {ended.RuntimeStatus} {ended.FailureDetails}");
            Assert.Equal(program.Result, ended.ReadOutputAs<int>());
        }

        await Task.WhenAll(pending);
    }

    private static async Task<int> RunAsync(TaskOrchestrationContext context, Step step)
    {
        switch (step.Kind)
        {
            case "activity":
                return await context.CallActivityAsync<int>("PlusOne", step.Value);
            case "timer":
                await context.CreateTimer(TimeSpan.FromMilliseconds(step.Value), CancellationToken.None);
                return 0;
            case "sub":
                return await context.CallSubOrchestratorAsync<int>("Program", step with { Kind = "sequence" });
            case "all":
                return (await Task.WhenAll(step.Parts.Select(part => RunAsync(context, part)))).Sum();
            default:
                var sum = 0;
                foreach (var part in step.Parts)
                {
                    sum += await RunAsync(context, part);
                }

                return sum;
        }
    }

    private static async Task AnswerAsync(RawWorker worker, WorkItem item)
    {
        var result = new ActivityResponse
        {
            InstanceId = item.ActivityRequest.OrchestrationInstance.InstanceId,
            TaskId = item.ActivityRequest.TaskId,
            CompletionToken = item.CompletionToken,
            Result = $"{int.Parse(item.ActivityRequest.Input.Trim('[', ']'), System.Globalization.CultureInfo.InvariantCulture) + 1}",
        };
        try
        {
            await Task.Delay(Random.Shared.Next(0, 15));
            switch (Random.Shared.Next(10))
            {
                case 0:
                    await worker.Stub.AbandonTaskActivityWorkItemAsync(new() { CompletionToken = item.CompletionToken });
                    break;
                case 1:
                    // Given back, and completed all the same: this result may come before or after that of the next delivery.
                    await worker.Stub.AbandonTaskActivityWorkItemAsync(new() { CompletionToken = item.CompletionToken });
                    await Task.Delay(Random.Shared.Next(0, 200));
                    await worker.Stub.CompleteActivityTaskAsync(result);
                    break;
                case 2:
                    await Task.WhenAll(worker.Stub.CompleteActivityTaskAsync(result).ResponseAsync, worker.Stub.CompleteActivityTaskAsync(result).ResponseAsync);
                    break;
                default:
                    await worker.Stub.CompleteActivityTaskAsync(result);
                    break;
            }
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.FailedPrecondition or StatusCode.Unavailable or StatusCode.Cancelled or StatusCode.Internal)
        {
            // Refused as late, or lost with the hub: it was or will be delivered again.
        }
    }
}
