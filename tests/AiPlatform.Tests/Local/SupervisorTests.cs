using System.Collections.Concurrent;
using AiPlatform.Local.Processes;
using Microsoft.Extensions.Time.Testing;

namespace AiPlatform.Tests.Local;

public sealed class SupervisorTests
{
    [Fact]
    public async Task A_server_that_ends_is_started_again_after_the_delay()
    {
        var time = new FakeTimeProvider();
        var server = new FakeServer();
        await using var supervisor = new Supervisor(server, time, () => { }, _ => { });
        await supervisor.StartAsync(CancellationToken.None);
        Assert.Equal(1, server.Starts);

        server.End();
        await AdvanceUntilAsync(time, () => server.Starts == 2);
    }

    [Fact]
    public async Task The_delay_doubles_while_a_server_keeps_ending()
    {
        var time = new FakeTimeProvider();
        var server = new FakeServer();
        var lines = new ConcurrentQueue<string>();
        await using var supervisor = new Supervisor(server, time, () => { }, lines.Enqueue);
        await supervisor.StartAsync(CancellationToken.None);

        for (var start = 2; start <= 4; start++)
        {
            server.End();
            var wanted = start;
            await AdvanceUntilAsync(time, () => server.Starts == wanted);
        }

        Assert.Equal(["0.25", "0.5", "1"], lines.Where(line => line.Contains("started again", StringComparison.Ordinal)).Select(line => line.Split(' ')[^2]));
    }

    [Fact]
    public async Task A_restart_that_fails_is_tried_again_and_reported()
    {
        var time = new FakeTimeProvider();
        var server = new FakeServer { FailingStarts = { 2 } };
        var lines = new ConcurrentQueue<string>();
        await using var supervisor = new Supervisor(server, time, () => { }, lines.Enqueue);
        await supervisor.StartAsync(CancellationToken.None);

        server.End();
        await AdvanceUntilAsync(time, () => server.Starts == 3);

        Assert.Contains(lines, line => line.Contains("no luck", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stopped_supervisor_starts_nothing_again()
    {
        var server = new FakeServer();
        var supervisor = new Supervisor(server, new FakeTimeProvider(), () => { }, _ => { });
        await supervisor.StartAsync(CancellationToken.None);

        await supervisor.DisposeAsync();

        Assert.Equal(1, server.Starts);
        Assert.True(server.IsDisposed);
    }

    private static async Task AdvanceUntilAsync(FakeTimeProvider time, Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (!condition())
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Delay(5, limit.Token);
        }
    }

    private sealed class FakeServer : ISupervised
    {
        private TaskCompletionSource _ended = new();

        public HashSet<int> FailingStarts { get; } = [];

        public int Starts { get; private set; }

        public bool IsDisposed { get; private set; }

        public string Name => "fake";

        public ProcessIdentity? Identity => null;

        public void End() => _ended.TrySetResult();

        public Task RestartAsync(CancellationToken cancellationToken)
        {
            Starts++;
            if (FailingStarts.Contains(Starts))
            {
                throw new InvalidOperationException("no luck");
            }

            _ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return Task.CompletedTask;
        }

        public Task WaitForExitAsync(CancellationToken cancellationToken) => _ended.Task.WaitAsync(cancellationToken);

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return ValueTask.CompletedTask;
        }
    }
}
