using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Payloads;
using AiPlatform.TaskHub.Service;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace AiPlatform.Tests.DurableTask;

/// <summary>Tokens of large payloads, and where messages carry payloads.</summary>
public sealed class PayloadPartsTests
{
    [Fact]
    public void A_token_is_read_back_and_found_in_serialised_messages()
    {
        var token = new PayloadToken(PayloadToken.NewBlob(7), 123_456_789);
        Assert.StartsWith("07/", token.Blob, StringComparison.Ordinal);
        Assert.Equal(token, PayloadToken.Of(token.ToString()));
        var other = new PayloadToken(PayloadToken.NewBlob(15), 1);
        var chunk = new HistoryChunk { Events = { Raised("small"), Raised(token.ToString()), Raised(other.ToString()) } };
        Assert.Equal([token.Blob, other.Blob], PayloadToken.In(chunk.ToByteArray()));
        Assert.Empty(PayloadToken.In(new HistoryChunk { Events = { Raised("small") } }.ToByteArray()));
        Assert.Empty(PayloadToken.In("\u0001payload:07/short"u8));
    }

    [Fact]
    public void Text_that_is_no_token_is_left_alone()
        => Gen.String.Sample(text =>
        {
            Assert.Null(PayloadToken.Of(text));
            Assert.Null(PayloadToken.Of("\u0001payload:" + text));
            Assert.Null(PayloadToken.Of("\u0001payload:" + text + "7"));
        });

    [Theory]
    [InlineData("07/0123456789abcdef0123456789abcdeg:7")]
    [InlineData("07-0123456789abcdef0123456789abcdef:7")]
    [InlineData("x7/0123456789abcdef0123456789abcdef:7")]
    [InlineData("07/0123456789abcdef0123456789abcdef;7")]
    [InlineData("07/0123456789abcdef0123456789abcdef:-7")]
    public void Text_of_nearly_the_form_of_a_token_is_left_alone(string text) => Assert.Null(PayloadToken.Of("\u0001payload:" + text));

    [Fact]
    public void Every_payload_of_an_event_is_found_and_replaced()
    {
        // All fields of events that hold what users send, by the names that the protocol gives them.
        var kinds = HistoryEvent.Descriptor.Oneofs[0].Fields.Where(field => PayloadOf(field) is not null).ToArray();
        Assert.Equal(14, kinds.Length);
        foreach (var kind in kinds)
        {
            var item = new HistoryEvent();
            var part = kind.MessageType.Parser.ParseFrom(Array.Empty<byte>());
            kind.Accessor.SetValue(item, part);
            PayloadOf(kind)!.Accessor.SetValue(part, "before");
            Assert.Equal("before", PayloadFields.Of(item));
            PayloadFields.Set(item, "after");
            Assert.Equal("after", PayloadOf(kind)!.Accessor.GetValue(part));
        }

        Assert.Null(PayloadFields.Of(new HistoryEvent { TimerFired = new() }));
        Assert.Throws<ArgumentOutOfRangeException>(() => PayloadFields.Set(new HistoryEvent { TimerFired = new() }, "x"));
    }

    [Fact]
    public void Every_payload_of_an_action_is_found_and_replaced()
    {
        OrchestratorAction[] actions =
        [
            new() { ScheduleTask = new() { Input = "p" } }, new() { CreateSubOrchestration = new() { Input = "p" } }, new() { SendEvent = new() { Data = "p" } },
            new() { CompleteOrchestration = new() { Result = "p", CarryoverEvents = { Raised("carried") } } }, new() { TerminateOrchestration = new() { Reason = "p" } },
            new() { SendEntityMessage = new() { EntityOperationCalled = new() { Input = "p" } } }, new() { SendEntityMessage = new() { EntityOperationSignaled = new() { Input = "p" } } },
        ];
        foreach (var action in actions)
        {
            Assert.Equal("p", PayloadFields.Of(action));
            PayloadFields.Set(action, "q");
            Assert.Equal("q", PayloadFields.Of(action));
        }

        Assert.Equal("carried", PayloadFields.Of(Assert.Single(PayloadFields.EventsOf(actions[3]))));
        Assert.Single(PayloadFields.EventsOf(new() { RewindOrchestration = new() { NewHistory = { Raised("old") } } }));
        Assert.Empty(PayloadFields.EventsOf(actions[0]));
        Assert.Null(PayloadFields.Of(new OrchestratorAction { CreateTimer = new() }));
        Assert.Throws<ArgumentOutOfRangeException>(() => PayloadFields.Set(new OrchestratorAction { CreateTimer = new() }, "x"));
    }

    [Fact]
    public void Histories_are_sent_in_messages_of_bounded_size()
    {
        var large = new PayloadToken(PayloadToken.NewBlob(0), 3_000_000).ToString();
        HistoryEvent[] events = [.. Enumerable.Range(0, 1200).Select(_ => Raised("x")), Raised(large), Raised(large), Raised("y")];
        var chunks = TaskHubService.Chunks(events).ToArray();
        Assert.Equal([500, 500, 200, 1, 1, 1], chunks.Select(chunk => chunk.Events.Count));
        Assert.Equal(events, chunks.SelectMany(chunk => chunk.Events));
        Assert.Empty(TaskHubService.Chunks([]));
    }

    private static HistoryEvent Raised(string input) => new() { EventRaised = new() { Name = "e", Input = input } };

    private static FieldDescriptor? PayloadOf(FieldDescriptor kind) => kind.Name switch
    {
        // Reasons of people, and what is sent between hub and worker alone.
        "executionSuspended" or "executionResumed" or "executionRewound" => null,
        _ => kind.MessageType.Fields.InDeclarationOrder().FirstOrDefault(field => field.Name is "input" or "result" or "output" or "data"),
    };
}
