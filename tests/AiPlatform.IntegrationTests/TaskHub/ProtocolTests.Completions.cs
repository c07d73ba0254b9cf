using AiPlatform.TaskHub.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <content>Filters, chunks, spans and what clients may leave out.</content>
public sealed partial class ProtocolTests
{
    [Fact]
    public async Task A_filter_of_three_empty_lists_means_everything()
    {
        await using var hands = new Hands(_hub.GrpcPort, new() { WorkItemFilters = new() });
        await _client.StartInstanceAsync(new() { InstanceId = "i", Name = "Any" });
        await AnswerAsync(await hands.TurnAsync("i"), Schedule(1, "A"));
        Assert.Equal("A", (await hands.ActivityAsync()).ActivityRequest.Name);
        await _client.SignalEntityAsync(new() { InstanceId = "@e@k", Name = "op" });
        Assert.Equal("@e@k", (await hands.NextAsync()).EntityRequestV2.InstanceId);
    }

    [Fact]
    public async Task An_empty_list_beside_one_with_names_means_none_of_its_kind()
    {
        await using var turns = new Hands(_hub.GrpcPort, new() { WorkItemFilters = new() { Orchestrations = { new OrchestrationFilter { Name = "Mine" } } } });
        await _client.StartInstanceAsync(new() { InstanceId = "foreign", Name = "Other" });
        await _client.SignalEntityAsync(new() { InstanceId = "@e@k", Name = "op" });
        await _client.StartInstanceAsync(new() { InstanceId = "mine", Name = "Mine" });
        await AnswerAsync(await turns.TurnAsync("mine"), Schedule(1, "A"));
        await _client.RaiseEventAsync(new() { InstanceId = "mine", Name = "go" });
        await AnswerAsync(await turns.TurnAsync("mine"), End("1"));
        await EndedAsync("mine");
        Assert.False(turns.HasNext);

        await using var rest = new Hands(_hub.GrpcPort, new() { WorkItemFilters = new() { Entities = { new EntityFilter { Name = "e" } }, Orchestrations = { new OrchestrationFilter { Name = "Other" } } } });
        var items = new[] { await rest.NextAsync(), await rest.NextAsync() };
        Assert.Contains(items, item => item.OrchestratorRequest?.InstanceId == "foreign");
        Assert.Contains(items, item => item.EntityRequestV2?.InstanceId == "@e@k");
    }

    [Fact]
    public async Task Of_chunks_the_first_says_how_many_events_were_consumed_and_one_that_is_sent_again_counts_once()
    {
        await using var hands = new Hands(_hub.GrpcPort);
        await _client.StartInstanceAsync(new() { InstanceId = "i", Name = "Any" });
        var turn = await hands.TurnAsync("i");
#pragma warning disable CS0612 // Deprecated in the contract, and what workers send.
        OrchestratorResponse Chunk(int index, bool partial, int? processed, string activity) => new()
        {
            InstanceId = "i",
            CompletionToken = turn.CompletionToken,
            ChunkIndex = index,
            IsPartial = partial,
            NumEventsProcessed = processed,
            Actions = { Schedule(index, activity) },
        };
#pragma warning restore CS0612
        var ahead = await Assert.ThrowsAsync<RpcException>(async () => await _client.CompleteOrchestratorTaskAsync(Chunk(1, true, 0, "B")));
        Assert.Equal(StatusCode.InvalidArgument, ahead.StatusCode);
        await _client.CompleteOrchestratorTaskAsync(Chunk(0, true, null, "A"));
        await _client.CompleteOrchestratorTaskAsync(Chunk(0, true, null, "A"));
        await _client.CompleteOrchestratorTaskAsync(Chunk(1, true, 0, "B"));
        await _client.CompleteOrchestratorTaskAsync(Chunk(1, true, 0, "B"));
        await _client.CompleteOrchestratorTaskAsync(Chunk(2, false, 0, "C"));
        await _client.CompleteOrchestratorTaskAsync(Chunk(2, false, 0, "C"));
        var names = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            names.Add((await hands.ActivityAsync()).ActivityRequest.Name);
        }

        Assert.Equal(["A", "B", "C"], names.Order());
        await _client.RaiseEventAsync(new() { InstanceId = "i", Name = "go" });
        var next = await hands.TurnAsync("i");
        Assert.Equal(["OrchestratorStarted", "ExecutionStarted", "TaskScheduled", "TaskScheduled", "TaskScheduled"], Kinds(next.OrchestratorRequest.PastEvents));
        Assert.Equal(["OrchestratorStarted", "EventRaised"], Kinds(next.OrchestratorRequest.NewEvents));
    }

    [Fact]
    public async Task The_span_that_a_worker_names_comes_back_with_every_turn_of_the_execution_also_after_a_restart()
    {
        var began = Timestamp.FromDateTime(new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        await using (var hands = new Hands(_hub.GrpcPort))
        {
            await _client.StartInstanceAsync(new() { InstanceId = "i", Name = "Any" });
            var turn = await hands.TurnAsync("i");
            Assert.Null(turn.OrchestratorRequest.OrchestrationTraceContext);
            await _client.CompleteOrchestratorTaskAsync(new()
            {
                CompletionToken = turn.CompletionToken,
                OrchestrationTraceContext = new() { SpanID = "00f067aa0ba902b7", SpanStartTime = began },
            });
        }

        await _hub.StopHubAsync();
        await _hub.StartHubAsync();
        await using var others = new Hands(_hub.GrpcPort);
        await _client.RaiseEventAsync(new() { InstanceId = "i", Name = "go" });
        var second = await others.TurnAsync("i");
        Assert.Equal(("00f067aa0ba902b7", began), (second.OrchestratorRequest.OrchestrationTraceContext.SpanID, second.OrchestratorRequest.OrchestrationTraceContext.SpanStartTime));

        // A worker that names none leaves it as it is; the next execution has a span of its own.
        await AnswerAsync(second, new OrchestratorAction { Id = 1, CompleteOrchestration = new() { OrchestrationStatus = OrchestrationStatus.ContinuedAsNew } });
        Assert.Null((await others.TurnAsync("i")).OrchestratorRequest.OrchestrationTraceContext);
    }

    [Fact]
    public async Task Failures_are_told_with_inputs_and_outputs_only()
    {
        await using var hands = new Hands(_hub.GrpcPort);
        await _client.StartInstanceAsync(new() { InstanceId = "i", Name = "Any", Input = "\"in\"" });
        var failure = new CompleteOrchestrationAction { OrchestrationStatus = OrchestrationStatus.Failed, FailureDetails = new() { ErrorType = "E", ErrorMessage = "secret" } };
        await AnswerAsync(await hands.TurnAsync("i"), new OrchestratorAction { Id = 1, CompleteOrchestration = failure });
        Assert.Equal("secret", (await EndedAsync("i")).FailureDetails.ErrorMessage);
        Assert.Null((await _client.GetInstanceAsync(new() { InstanceId = "i" })).OrchestrationState.FailureDetails);
        Assert.Null((await _client.WaitForInstanceCompletionAsync(new() { InstanceId = "i" })).OrchestrationState.FailureDetails);
        Assert.Null(Assert.Single((await _client.QueryInstancesAsync(new() { Query = new() })).OrchestrationState).FailureDetails);
        var whole = await _client.QueryInstancesAsync(new() { Query = new() { FetchInputsAndOutputs = true, RuntimeStatus = { OrchestrationStatus.Failed } } });
        Assert.Equal("secret", Assert.Single(whole.OrchestrationState).FailureDetails.ErrorMessage);
    }

    [Fact]
    public async Task Entities_are_found_by_how_their_ids_start_with_and_without_the_first_sign()
    {
        await using var hands = new Hands(_hub.GrpcPort);
        foreach (var id in (string[])["@Cart@Anna", "@cart@anton", "@carton@anna"])
        {
            await _client.SignalEntityAsync(new() { InstanceId = id, Name = "op" });
            var batch = await hands.NextAsync();
            await _client.CompleteEntityTaskAsync(new() { CompletionToken = batch.CompletionToken, EntityState = "1", Results = { new OperationResult { Success = new() } } });
        }

        async Task<string[]> FindAsync(string? prefix)
            => [.. (await _client.QueryEntitiesAsync(new() { Query = new() { InstanceIdStartsWith = prefix } })).Entities.Select(entity => entity.InstanceId)];
        Assert.Equal(["@cart@Anna", "@cart@anton"], await FindAsync("CART@"));
        Assert.Equal(["@cart@Anna", "@cart@anton"], await FindAsync("@Cart@"));
        Assert.Equal(["@cart@Anna"], await FindAsync("Cart@An" + "na"));
        Assert.Equal(["@cart@anton"], await FindAsync("cart@an"));
        Assert.Equal(3, (await FindAsync("caRT")).Length);
        Assert.Equal(3, (await FindAsync("")).Length);
        Assert.Empty(await FindAsync("art"));
    }

    [Fact]
    public async Task Work_that_is_given_back_on_purpose_waits_for_the_worker_that_takes_it()
    {
        var waiting = 0;
        await using (var old = RawWorker.Start(_hub.GrpcPort, async (raw, item) =>
        {
            if (item.OrchestratorRequest is not null)
            {
                Interlocked.Increment(ref waiting);
                await raw.Stub.AbandonTaskOrchestratorWorkItemAsync(new() { CompletionToken = item.CompletionToken });
            }
        }))
        {
            await _client.StartInstanceAsync(new() { InstanceId = "new-version", Name = "Any", Version = "2" });

            // More than what makes poison of work whose workers are lost.
            await Eventually.TrueAsync(() => Task.FromResult(Volatile.Read(ref waiting) > 11), "it was given back often", TimeSpan.FromSeconds(60));
        }

        Assert.Equal("[]", await _hub.GetAsync("/stuck"));
        await using var hands = new Hands(_hub.GrpcPort);
        await AnswerAsync(await hands.TurnAsync("new-version"), End("\"done\""));
        Assert.Equal("\"done\"", (await EndedAsync("new-version")).Output);
    }

    [Fact]
    public async Task An_event_to_an_entity_that_no_entity_takes_fails_the_orchestration()
    {
        await using var hands = new Hands(_hub.GrpcPort);
        await _client.StartInstanceAsync(new() { InstanceId = "i", Name = "Any" });
        await AnswerAsync(await hands.TurnAsync("i"), new OrchestratorAction { Id = 1, SendEvent = new() { Instance = new() { InstanceId = "@e@k" }, Name = "hello", Data = "1" } });
        var ended = await EndedAsync("i");
        Assert.Equal((OrchestrationStatus.Failed, "UnsupportedEntityMessage"), (ended.OrchestrationStatus, ended.FailureDetails.ErrorType));
    }
}
