using AiPlatform.Compute.Queues;
using Microsoft.Extensions.Time.Testing;

namespace AiPlatform.Tests.Functions.Compute.Queues;

public sealed class HearingTimeTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly HearingTime _hearing;

    public HearingTimeTests() => _hearing = new HearingTime(_time, TimeSpan.FromSeconds(20));

    [Fact]
    public void Nobody_is_silent_before_a_whole_lease_was_listened()
    {
        Assert.False(_hearing.HasListened);
        ListenFor(19);
        Assert.False(_hearing.HasListened);
        ListenFor(1);
        Assert.True(_hearing.HasListened);
    }

    [Fact]
    public void An_interruption_and_a_suspended_machine_begin_anew()
    {
        ListenFor(30);
        _hearing.Interrupt();
        Assert.False(_hearing.HasListened);
        ListenFor(30);
        Assert.True(_hearing.HasListened);
        _time.Advance(TimeSpan.FromHours(8));
        ListenFor(1);
        Assert.False(_hearing.HasListened);
        ListenFor(20);
        Assert.True(_hearing.HasListened);
    }

    private void ListenFor(int seconds)
    {
        _hearing.Listen(TimeSpan.FromSeconds(1));
        for (var i = 0; i < seconds; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _hearing.Listen(TimeSpan.FromSeconds(1));
        }
    }
}
