using AiPlatform.Messaging.Transport;
using Microsoft.Extensions.Time.Testing;

namespace AiPlatform.Tests.Messaging;

public sealed class RecoverableLinkTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly FakeTimeProvider _time = new();
    private readonly List<Opened> _closed = [];
    private int _openings;

    [Fact]
    public async Task An_opening_goes_on_when_its_caller_stops_waiting_and_serves_the_next()
    {
        var gate = new TaskCompletionSource<Opened>();
        await using var link = Link(_ => gate.Task);
        using var impatient = new CancellationTokenSource();
        var first = link.GetAsync(impatient.Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        var second = link.GetAsync(CancellationToken.None).AsTask();
        var opened = new Opened();
        gate.SetResult(opened);
        Assert.Same(opened, await second);
        Assert.Same(opened, link.Current);
        Assert.Equal(1, _openings);
    }

    [Fact]
    public async Task What_failed_or_closed_is_opened_again()
    {
        await using var link = Link(_ => _openings == 1 ? Task.FromException<Opened>(new IOException("refused")) : Task.FromResult(new Opened()));
        await Assert.ThrowsAsync<IOException>(() => link.GetAsync(CancellationToken.None).AsTask());
        var second = await link.GetAsync(CancellationToken.None);
        second.IsClosed = true;
        Assert.Null(link.Current);
        Assert.NotSame(second, await link.GetAsync(CancellationToken.None));
        Assert.Equal(3, _openings);
    }

    [Fact]
    public async Task An_opening_that_takes_too_long_is_a_timeout()
    {
        await using var link = Link(async token =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return new Opened();
        });
        var getting = link.GetAsync(CancellationToken.None).AsTask();
        while (!getting.IsCompleted)
        {
            _time.Advance(Patience);
            await Task.Yield();
        }

        await Assert.ThrowsAsync<TimeoutException>(() => getting);
    }

    [Fact]
    public async Task Disposal_ends_an_opening_and_closes_what_is_open()
    {
        var link = Link(token => Task.FromResult(new Opened()));
        var opened = await link.GetAsync(CancellationToken.None);
        await link.DisposeAsync();
        Assert.Same(opened, Assert.Single(_closed));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => link.GetAsync(CancellationToken.None).AsTask());

        var hanging = Link(async token =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return new Opened();
        });
        var getting = hanging.GetAsync(CancellationToken.None).AsTask();
        await hanging.DisposeAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => getting);
    }

    private RecoverableLink<Opened> Link(Func<CancellationToken, Task<Opened>> open) => new(
        token =>
        {
            _openings++;
            return open(token);
        },
        opened => !opened.IsClosed,
        opened =>
        {
            _closed.Add(opened);
            opened.IsClosed = true;
            return Task.CompletedTask;
        },
        Patience,
        _time);

    private sealed class Opened
    {
        public bool IsClosed { get; set; }
    }
}
