using System.Text.Json.Nodes;
using AiPlatform.Local.Triggers;
using AiPlatform.Messaging;

namespace AiPlatform.Tests.Local;

public sealed class TriggerDispatcherTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip triggers ").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Timer_and_queue_triggers_are_read_and_http_triggers_are_left_to_the_proxy()
    {
        Write("tick", """{"bindings":[{"type":"timerTrigger","direction":"in","name":"tick","schedule":"*/10 * * * * *"}]}""");
        Write("events", """{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"msg","queueName":"%Queue%","connection":"ServiceBus"}]}""");
        Write("projects", """{"bindings":[{"type":"httpTrigger","direction":"in","name":"req"},{"type":"http","direction":"out","name":"res"}]}""");

        var bindings = TriggerBinding.ReadAll(_folder, new Dictionary<string, string> { ["Queue"] = "job-events" });

        Assert.Equal([new ServiceBusBinding("events", "msg", "job-events"), new TimerBinding("tick", "tick", "*/10 * * * * *")], bindings);
    }

    [Theory]
    [InlineData("""{"bindings":[{"type":"blobTrigger","direction":"in","name":"b","path":"x"}]}""", "blobTrigger")]
    [InlineData("""{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"m","queueName":"%Missing%"}]}""", "%Missing%")]
    public void What_cannot_be_served_is_refused_by_name(string json, string named)
    {
        Write("f", json);
        var exception = Assert.Throws<InvalidOperationException>(() => TriggerBinding.ReadAll(_folder, new Dictionary<string, string>()));
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_s_strings_are_encoded_twice_and_its_properties_are_among_the_metadata()
    {
        var message = Message("""{"id":1,"MessageId":"own"}""", 2);

        var envelope = InvocationEnvelope.ForMessage(new ServiceBusBinding("job-events", "msg", "job-events"), message, DateTimeOffset.UnixEpoch);

        // The literal form that the Functions host sends.
        Assert.Contains(""" {"msg":"\"{\\\"id\\\":1,""".Trim(), envelope.ToJsonString(InvocationEnvelope.Json), StringComparison.Ordinal);
        var body = JsonNode.Parse(envelope["Data"]!["msg"]!.GetValue<string>())!.GetValue<string>();
        Assert.Equal(1, JsonNode.Parse(body)!["id"]!.GetValue<int>());
        var metadata = envelope["Metadata"]!;
        Assert.Equal("2", metadata["DeliveryCount"]!.GetValue<string>());
        Assert.Equal("\"own\"", metadata["MessageId"]!.GetValue<string>());
        Assert.Equal("1", metadata["id"]!.GetValue<string>());
    }

    [Fact]
    public void A_message_that_is_no_json_object_keeps_its_own_metadata()
    {
        var message = Message("plain text", 1);

        var envelope = InvocationEnvelope.ForMessage(new ServiceBusBinding("f", "msg", "q"), message, DateTimeOffset.UnixEpoch);

        Assert.Equal("\"plain text\"", envelope["Data"]!["msg"]!.GetValue<string>());
        Assert.Equal("\"m-1\"", envelope["Metadata"]!["MessageId"]!.GetValue<string>());
    }

    [Fact]
    public void A_timer_s_invocation_has_the_host_s_shape()
    {
        var envelope = InvocationEnvelope.ForTimer(new TimerBinding("tick", "tick", "* * * * * *"), DateTimeOffset.UnixEpoch);

        Assert.Equal(
            """{"tick":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}}""",
            envelope["Data"]!.ToJsonString());
        Assert.Equal("tick", envelope["Metadata"]!["sys"]!["MethodName"]!.GetValue<string>());
    }

    private static ServiceBusReceivedMessage Message(string body, int deliveryCount)
        => new() { Body = BinaryData.FromString(body), MessageId = "m-1", DeliveryCount = deliveryCount };

    private void Write(string function, string json)
    {
        Directory.CreateDirectory(Path.Combine(_folder, function));
        File.WriteAllText(Path.Combine(_folder, function, "function.json"), json);
    }
}
