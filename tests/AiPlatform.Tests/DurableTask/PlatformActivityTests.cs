using AiPlatform.Orchestrations;
using AiPlatform.Orchestrations.Platform;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Worker.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.Tests.DurableTask;

/// <summary>What the platform adds to the durable worker: one run of what is delivered twice, its retries, and how it stops.</summary>
public sealed class PlatformActivityTests
{
    [Fact]
    public async Task An_activity_that_is_delivered_again_while_it_runs_is_run_once_and_answers_both()
    {
        var running = new RunningActivities();
        var slow = new Slow();
        var first = running.RunAsync(slow, new Context("i"), "x");
        var second = running.RunAsync(slow, new Context("i"), "x");
        var other = running.RunAsync(slow, new Context("i"), "y");
        var elsewhere = running.RunAsync(slow, new Context("j"), "x");
        Assert.Equal(3, slow.Runs);
        slow.Release.SetResult("done");
        Assert.Equal(["done", "done", "done", "done"], await Task.WhenAll(first, second, other, elsewhere));

        // What has ended runs again when it is asked for again.
        Assert.Equal("done", await running.RunAsync(slow, new Context("i"), "x"));
        Assert.Equal(4, slow.Runs);
    }

    [Fact]
    public async Task A_failure_answers_both_deliveries_too_and_the_next_one_tries_again()
    {
        var running = new RunningActivities();
        var slow = new Slow();
        var first = running.RunAsync(slow, new Context("i"), null);
        var second = running.RunAsync(slow, new Context("i"), null);
        slow.Release.SetException(new IOException("away"));
        Assert.Equal("away", (await Assert.ThrowsAsync<IOException>(() => first)).Message);
        Assert.Equal("away", (await Assert.ThrowsAsync<IOException>(() => second)).Message);
        await Assert.ThrowsAsync<IOException>(() => running.RunAsync(slow, new Context("i"), null));
        Assert.Equal(2, slow.Runs);
    }

    [Fact]
    public void Pauses_between_attempts_grow_up_to_their_limit()
        => Assert.Equal(
            [1, 2, 4, 5, 5],
            Enumerable.Range(1, 5).Select(static failures
                => RetrySchedule.Pause(failures, TimeSpan.FromSeconds(1), 2, TimeSpan.FromSeconds(5)).TotalSeconds));

    [Fact]
    public async Task Activities_end_after_the_worker_has_stopped()
    {
        await using var app = OrchestrationsApp.Build(
        [
            "--ConnectionStrings:TaskHub=Endpoint=http://127.0.0.1:1;TaskHub=h;Authentication=None",
            "--ConnectionStrings:ServiceBus=Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0;UseDevelopmentEmulator=true",
            "--Orchestrations:ApiUrl=http://127.0.0.1:1", "--Orchestrations:ClientSecret=secret",
        ]);

        // Services stop in the reverse order of this.
        var services = app.Services.GetServices<IHostedService>().ToList();
        Assert.InRange(services.FindIndex(static service => service is WorkerStop), 0, services.FindIndex(static service => service is DurableTaskWorker) - 1);
        var stop = app.Services.GetRequiredService<WorkerStop>();
        Assert.False(stop.Token.IsCancellationRequested);
        await stop.StopAsync(CancellationToken.None);
        Assert.True(stop.Token.IsCancellationRequested);
    }

    private sealed class Slow : ITaskActivity
    {
        private int _runs;

        public TaskCompletionSource<object?> Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Runs => Volatile.Read(ref _runs);

        public Type InputType => typeof(string);

        public Type OutputType => typeof(string);

        public Task<object?> RunAsync(TaskActivityContext context, object? input)
        {
            Interlocked.Increment(ref _runs);
            return Release.Task;
        }
    }

    private sealed class Context(string instance) : TaskActivityContext
    {
        public override TaskName Name => "Slow";

        public override string InstanceId => instance;
    }
}
