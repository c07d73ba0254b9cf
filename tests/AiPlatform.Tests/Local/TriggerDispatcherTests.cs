using AiPlatform.Local.Triggers;

namespace AiPlatform.Tests.Local;

public sealed class TriggerDispatcherTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip triggers ").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Timers_are_read_and_http_triggers_are_left_to_the_proxy()
    {
        Write("tick", """{"bindings":[{"type":"timerTrigger","direction":"in","name":"tick","schedule":"%Pace%"}]}""");
        Write("projects", """{"bindings":[{"type":"httpTrigger","direction":"in","name":"req"},{"type":"http","direction":"out","name":"res"}]}""");

        var timers = TimerBinding.ReadAll(_folder, new Dictionary<string, string> { ["Pace"] = "*/10 * * * * *" });

        Assert.Equal([new TimerBinding("tick", "tick", "*/10 * * * * *")], timers);
    }

    [Theory]
    [InlineData("""{"bindings":[{"type":"blobTrigger","direction":"in","name":"b","path":"x"}]}""", "blobTrigger")]
    [InlineData("""{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"m","queueName":"q"}]}""", "serviceBusTrigger")]
    [InlineData("""{"bindings":[{"type":"timerTrigger","direction":"in","name":"t","schedule":"%Missing%"}]}""", "%Missing%")]
    public void What_cannot_be_served_is_refused_by_name(string json, string named)
    {
        Write("f", json);
        var exception = Assert.Throws<InvalidOperationException>(() => TimerBinding.ReadAll(_folder, new Dictionary<string, string>()));
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
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

    private void Write(string function, string json)
    {
        Directory.CreateDirectory(Path.Combine(_folder, function));
        File.WriteAllText(Path.Combine(_folder, function, "function.json"), json);
    }
}
