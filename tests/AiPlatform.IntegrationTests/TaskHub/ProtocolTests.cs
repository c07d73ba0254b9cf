using System.Threading.Channels;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.IntegrationTests.Servers;
using Grpc.Core;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>What the protocol says of work items and their answers, beyond what the SDKs make of it.</summary>
[Collection(TaskHubCollection.Name)]
public sealed partial class ProtocolTests(PostgresFixture postgres) : IAsyncLifetime
{
    private HubHarness _hub = null!;
    private TaskHubSidecarService.TaskHubSidecarServiceClient _client = null!;

    public async Task InitializeAsync()
    {
        _hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"), "--TaskHub:HealthPing=00:00:00.100");
        _client = RawWorker.Client(_hub.GrpcPort);
    }

    public async Task DisposeAsync() => await _hub.DisposeAsync();

    [Fact]
    public async Task A_completion_may_come_in_chunks_and_a_turn_may_consume_only_some_events()
    {
        await using var hands = new Hands(_hub.GrpcPort);
        await _client.StartInstanceAsync(new() { InstanceId = "i", Name = "Any" });
        var first = await hands.TurnAsync();
        Assert.Equal(["OrchestratorStarted", "ExecutionStarted"], Kinds(first.OrchestratorRequest.NewEvents));
#pragma warning disable CS0612 // Older workers do it.
        await _client.CompleteOrchestratorTaskAsync(new() { CompletionToken = first.CompletionToken, IsPartial = true, ChunkIndex = 0, Actions = { Schedule(1, "A") } });
#pragma warning restore CS0612
        await AnswerAsync(first, new OrchestratorAction { Id = 2, SendEvent = new() { Instance = new() { InstanceId = "nobody" }, Name = "x" } });
        var activity = await hands.NextAsync();
        Assert.Equal(("A", 1), (activity.ActivityRequest.Name, activity.ActivityRequest.TaskId));
        await _client.CompleteActivityTaskAsync(new() { CompletionToken = activity.CompletionToken, Result = "1" });

        var second = await hands.TurnAsync();
        Assert.Equal(["OrchestratorStarted", "ExecutionStarted", "TaskScheduled", "EventSent"], Kinds(second.OrchestratorRequest.PastEvents));
        await _client.RaiseEventAsync(new() { InstanceId = "i", Name = "a" });
        await _client.RaiseEventAsync(new() { InstanceId = "i", Name = "b" });
        await AnswerAsync(second);
        var third = await hands.TurnAsync();
        Assert.Equal(["OrchestratorStarted", "EventRaised", "EventRaised"], Kinds(third.OrchestratorRequest.NewEvents));

        // The turn's own event and the first of the two.
        await _client.CompleteOrchestratorTaskAsync(new() { CompletionToken = third.CompletionToken, NumEventsProcessed = 2 });
        var fourth = await hands.TurnAsync();
        Assert.Equal("a", fourth.OrchestratorRequest.PastEvents[^1].EventRaised.Name);
        Assert.Equal("b", fourth.OrchestratorRequest.NewEvents[^1].EventRaised.Name);
        await AnswerAsync(fourth, End("\"done\""));
        Assert.Equal("\"done\"", (await EndedAsync("i")).Output);
    }

    [Fact]
    public async Task Long_histories_are_streamed_to_workers_that_can_read_them()
    {
        var large = new string('x', 1_200_000);
        await using var hands = new Hands(_hub.GrpcPort, new() { Capabilities = { WorkerCapability.HistoryStreaming } });
        await _client.StartInstanceAsync(new() { InstanceId = "i", Name = "Any", Input = large });
        await AnswerAsync(await hands.TurnAsync());
        await _client.RaiseEventAsync(new() { InstanceId = "i", Name = "a", Input = large });
        var second = await hands.TurnAsync();
        Assert.False(second.OrchestratorRequest.RequiresHistoryStreaming);
        await AnswerAsync(second);
        await _client.RaiseEventAsync(new() { InstanceId = "i", Name = "b" });
        var third = await hands.TurnAsync();
        Assert.True(third.OrchestratorRequest.RequiresHistoryStreaming);
        Assert.Empty(third.OrchestratorRequest.PastEvents);
        var chunks = new List<HistoryChunk>();
        using var call = _client.StreamInstanceHistory(new() { InstanceId = "i", ForWorkItemProcessing = true });
        await foreach (var chunk in call.ResponseStream.ReadAllAsync())
        {
            chunks.Add(chunk);
        }

        Assert.True(chunks.Count > 1, "the history comes in parts");
        Assert.Equal(["OrchestratorStarted", "ExecutionStarted", "OrchestratorStarted", "EventRaised"], Kinds(chunks.SelectMany(chunk => chunk.Events)));
        await AnswerAsync(third, End(null));
    }

    [Fact]
    public async Task A_worker_gets_no_more_than_it_declares_and_pings_while_nothing_comes()
    {
        await using var hands = new Hands(_hub.GrpcPort, new() { MaxConcurrentOrchestrationWorkItems = 5, MaxConcurrentActivityWorkItems = 2 });
        await _client.SignalEntityAsync(new() { InstanceId = "@kind@key", Name = "not for this worker" });
        await _client.StartInstanceAsync(new() { InstanceId = "i", Name = "Any" });
        await AnswerAsync(await hands.TurnAsync(), [.. Enumerable.Range(0, 4).Select(id => Schedule(id, "A"))]);
        var items = new List<WorkItem> { await hands.NextAsync(), await hands.NextAsync() };
        Assert.All(items, item => Assert.NotNull(item.ActivityRequest));
        var pings = hands.Pings;
        await Eventually.TrueAsync(() => Task.FromResult(hands.Pings >= pings + 2), "the hub pings");
        Assert.False(hands.HasNext, "the worker has as much as it can do");
        for (var done = 0; done < 4; done++)
        {
            await _client.CompleteActivityTaskAsync(new() { CompletionToken = items[done].CompletionToken, Result = "1" });
            if (done < 2)
            {
                items.Add(await hands.ActivityAsync());
            }
        }

        Assert.Equal([0, 1, 2, 3], items.Select(item => item.ActivityRequest.TaskId).Order());
    }

    [Fact]
    public async Task Late_answers_of_turns_are_refused_and_the_first_result_of_an_activity_counts()
    {
        await using var hands = new Hands(_hub.GrpcPort);
        await _client.StartInstanceAsync(new() { InstanceId = "i", Name = "Any" });
        var lost = await hands.TurnAsync();
        await _client.AbandonTaskOrchestratorWorkItemAsync(new() { CompletionToken = lost.CompletionToken });
        Assert.Equal(StatusCode.FailedPrecondition, (await Assert.ThrowsAsync<RpcException>(() => AnswerAsync(lost, End(null)))).StatusCode);
        var turn = await hands.TurnAsync();
        Assert.NotEqual(lost.CompletionToken, turn.CompletionToken);
        await AnswerAsync(turn, Schedule(1, "A"));
        await AnswerAsync(turn, Schedule(1, "A"));

        var first = await hands.ActivityAsync();
        await _client.AbandonTaskActivityWorkItemAsync(new() { CompletionToken = first.CompletionToken });
        var second = await hands.ActivityAsync();
        Assert.NotEqual(first.CompletionToken, second.CompletionToken);
        await _client.CompleteActivityTaskAsync(new() { CompletionToken = first.CompletionToken, Result = "\"late\"" });
        await _client.CompleteActivityTaskAsync(new() { CompletionToken = second.CompletionToken, Result = "\"second\"" });
        var next = await hands.TurnAsync();
        Assert.Equal("\"late\"", Assert.Single(next.OrchestratorRequest.NewEvents, item => item.TaskCompleted is not null).TaskCompleted.Result);
        await AnswerAsync(next, End(null));
        await EndedAsync("i");
        Assert.Equal(
            StatusCode.FailedPrecondition,
            (await Assert.ThrowsAsync<RpcException>(async () => await _client.CompleteActivityTaskAsync(new() { CompletionToken = "a:0:0:0:0:no" }))).StatusCode);
    }

    [Fact]
    public async Task Workers_get_the_names_and_versions_that_they_ask_for()
    {
        static GetWorkItemsRequest Only(string version) => new()
        {
            WorkItemFilters = new() { Orchestrations = { new OrchestrationFilter { Name = "ship", Versions = { version } } }, Activities = { new ActivityFilter { Name = $"Act{version}" } } },
        };
        await using var one = new Hands(_hub.GrpcPort, Only("1"));
        await using var two = new Hands(_hub.GrpcPort, Only("2"));
        foreach (var version in (string[])["3", "2", "1"])
        {
            await _client.StartInstanceAsync(new() { InstanceId = version, Name = "Ship", Version = version });
        }

        await AnswerAsync(await one.TurnAsync("1"), Schedule(0, "Act2"));
        await AnswerAsync(await two.TurnAsync("2"), End(null));
        Assert.Equal("Act2", (await two.ActivityAsync()).ActivityRequest.Name);
        Assert.False(one.HasNext || two.HasNext, "nobody takes version 3");
        await using var all = new Hands(_hub.GrpcPort);
        await AnswerAsync(await all.TurnAsync("3"), End(null));
        await EndedAsync("3");
    }

    [Fact]
    public async Task Orchestrators_end_others_and_workers_rewrite_histories()
    {
        await using var hands = new Hands(_hub.GrpcPort);
        foreach (var id in (string[])["victim", "skipped", "i"])
        {
            await _client.StartInstanceAsync(new() { InstanceId = id, Name = "Any" });
            if (id != "i")
            {
                await AnswerAsync(await hands.TurnAsync(id), Schedule(1, "Never"));
                Assert.Equal("Never", (await hands.ActivityAsync()).ActivityRequest.Name);
            }
        }

        await AnswerAsync(
            await hands.TurnAsync("i"),
            new OrchestratorAction { Id = 0, TerminateOrchestration = new() { InstanceId = "victim", Reason = "\"enough\"" } }, Schedule(1, "Fails"));
        var victim = await EndedAsync("victim");
        Assert.Equal((OrchestrationStatus.Terminated, "\"enough\""), (victim.OrchestrationStatus, victim.Output));
        var skipped = await _client.SkipGracefulOrchestrationTerminationsAsync(new() { InstanceBatch = new() { InstanceIds = { "skipped", "victim", "unknown" } }, Reason = "now" });
        Assert.Equal(["victim", "unknown"], skipped.UnterminatedInstanceIds);
        Assert.Equal(OrchestrationStatus.Terminated, (await EndedAsync("skipped")).OrchestrationStatus);

        var failing = await hands.ActivityAsync();
        await _client.CompleteActivityTaskAsync(new() { CompletionToken = failing.CompletionToken, FailureDetails = new() { ErrorType = "E", ErrorMessage = "no" } });
        var failed = await hands.TurnAsync("i");
        var history = failed.OrchestratorRequest.PastEvents.Where(item => item.TaskScheduled is null);
        await AnswerAsync(failed, new OrchestratorAction
        {
            Id = -1, RewindOrchestration = new() { NewHistory = { history, new HistoryEvent { EventId = -1, Timestamp = new(), ExecutionRewound = new() { Reason = "again" } } } },
        });
        var again = await hands.TurnAsync("i");
        Assert.Equal(["OrchestratorStarted", "ExecutionStarted"], Kinds(again.OrchestratorRequest.PastEvents));
        Assert.Equal("again", again.OrchestratorRequest.NewEvents[^1].ExecutionRewound.Reason);
        await AnswerAsync(again, End("\"rewound\""));
        Assert.Equal("\"rewound\"", (await EndedAsync("i")).Output);
    }

    [Fact]
    public async Task Entities_work_in_the_first_format_too()
    {
        await _hub.StopHubAsync();
        await _hub.StartHubAsync("--TaskHub:EntityRequestV1=true");
        await using var hands = new Hands(_hub.GrpcPort);
        await _client.SignalEntityAsync(new() { InstanceId = "@Kind@key", Name = "add", Input = "5" });
        var item = await hands.NextAsync();
        var operation = Assert.Single(item.EntityRequest.Operations);
        Assert.Equal(("@kind@key", "add", "5"), (item.EntityRequest.InstanceId, operation.Operation, operation.Input));
        await _client.CompleteEntityTaskAsync(new() { CompletionToken = item.CompletionToken, Results = { new OperationResult { Success = new() } }, EntityState = "5" });
        Assert.Equal("5", (await _client.GetEntityAsync(new() { InstanceId = "@kind@key", IncludeState = true })).Entity.SerializedState);
    }

    private static string[] Kinds(IEnumerable<HistoryEvent> events) => [.. events.Select(item => item.EventTypeCase.ToString())];

    private static OrchestratorAction Schedule(int id, string name) => new() { Id = id, ScheduleTask = new() { Name = name } };

    private static OrchestratorAction End(string? result)
        => new() { Id = 99, CompleteOrchestration = new() { OrchestrationStatus = OrchestrationStatus.Completed, Result = result } };

    private async Task AnswerAsync(WorkItem turn, params OrchestratorAction[] actions)
        => await _client.CompleteOrchestratorTaskAsync(new() { InstanceId = turn.OrchestratorRequest.InstanceId, CompletionToken = turn.CompletionToken, Actions = { actions } });

    private async Task<OrchestrationState> EndedAsync(string id)
        => (await _client.WaitForInstanceCompletionAsync(new() { InstanceId = id, GetInputsAndOutputs = true }, deadline: DateTime.UtcNow.AddSeconds(20))).OrchestrationState;

    /// <summary>A worker whose work items wait for the test.</summary>
    private sealed class Hands : IAsyncDisposable
    {
        private readonly Channel<WorkItem> _items = Channel.CreateUnbounded<WorkItem>();
        private readonly RawWorker _worker;
        private int _pings;

        public Hands(int port, GetWorkItemsRequest? request = null) => _worker = RawWorker.Start(
            port,
            (_, item) =>
            {
                if (item.HealthPing is not null)
                {
                    Interlocked.Increment(ref _pings);
                }
                else
                {
                    _items.Writer.TryWrite(item);
                }

                return Task.CompletedTask;
            },
            request);

        public int Pings => Volatile.Read(ref _pings);

        public bool HasNext => _items.Reader.TryPeek(out _);

        public async Task<WorkItem> NextAsync()
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            return await _items.Reader.ReadAsync(deadline.Token);
        }

        /// <summary>The next item, which is a turn.</summary>
        public async Task<WorkItem> TurnAsync(string? instanceId = null)
        {
            var item = await NextAsync();
            Assert.True(item.OrchestratorRequest is not null && (instanceId is null || item.OrchestratorRequest.InstanceId == instanceId), item.ToString());
            return item;
        }

        /// <summary>The next activity; turns in between are left unanswered.</summary>
        public async Task<WorkItem> ActivityAsync()
        {
            while (true)
            {
                if (await NextAsync() is { ActivityRequest: not null } item)
                {
                    return item;
                }
            }
        }

        public ValueTask DisposeAsync() => _worker.DisposeAsync();
    }
}
