using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>Nodes come from the broker by priority, under a lock that is renewed.</summary>
[Collection(ComputeCollection.Name)]
public sealed class NodeQueueServerTests(PostgresFixture postgres)
{
    [Fact]
    public async Task The_most_urgent_node_comes_first()
    {
        await using var broker = await TestBroker.StartAsync(await postgres.CreateDatabaseAsync("runner"));
        await using var queue = Queue(broker);
        Assert.Null(await queue.TryReceiveAsync(default));
        foreach (var priority in (JobPriority[])[JobPriority.Low, JobPriority.Critical, JobPriority.Normal, JobPriority.High])
        {
            await broker.OfferAsync(new NodeMessage($"{priority}", 1, 0, 1), priority);
        }

        foreach (var expected in (string[])["Critical", "High", "Normal", "Low"])
        {
            var lease = await ReceiveAsync(queue);
            Assert.Equal(expected, lease.Message.JobId);
            await lease.CompleteAsync(default);
            await lease.DisposeAsync();
        }

        Assert.Null(await queue.TryReceiveAsync(default));
    }

    [Fact]
    public async Task A_lock_is_held_for_longer_than_it_lasts_and_an_abandoned_node_comes_again()
    {
        await using var broker = await TestBroker.StartAsync(await postgres.CreateDatabaseAsync("runner"), lockSeconds: 8);
        await using var queue = Queue(broker);
        await broker.OfferAsync(new NodeMessage("job", 1, 0, 1));
        await using var lease = await ReceiveAsync(queue);
        var until = DateTimeOffset.UtcNow.AddSeconds(12);
        while (DateTimeOffset.UtcNow < until)
        {
            Assert.Null(await queue.TryReceiveAsync(default));
        }

        await lease.AbandonAsync(default);
        await using var again = await ReceiveAsync(queue);
        Assert.Equal("job", again.Message.JobId);
        await again.CompleteAsync(default);
    }

    [Fact]
    public async Task A_message_that_names_no_node_goes_to_the_dead_letters()
    {
        await using var broker = await TestBroker.StartAsync(await postgres.CreateDatabaseAsync("runner"));
        await using var queue = Queue(broker);
        await using var sender = broker.Client.CreateSender("jobs-default-normal");
        await sender.SendMessageAsync(new ServiceBusMessage("not json"));
        await sender.SendMessageAsync(new ServiceBusMessage("""{"jobId":"../../etc","attempt":1,"node":0,"nodes":1}"""));
        await using var dead = broker.Client.CreateReceiver("jobs-default-normal", new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        var reasons = new List<string?>();
        while (reasons.Count < 2)
        {
            Assert.Null(await queue.TryReceiveAsync(default));
            if (await dead.ReceiveMessageAsync(TimeSpan.FromMilliseconds(200)) is { } message)
            {
                reasons.Add(message.DeadLetterReason);
                await dead.CompleteMessageAsync(message);
            }
        }

        Assert.Equal(["invalid_message", "invalid_message"], reasons);
    }

    [Fact]
    public async Task A_node_that_comes_while_a_runner_waits_is_taken_at_once()
    {
        await using var broker = await TestBroker.StartAsync(await postgres.CreateDatabaseAsync("runner"));
        await using var queue = Queue(broker, TimeSpan.FromMinutes(5));
        foreach (var priority in (JobPriority[])[JobPriority.Low, JobPriority.Critical])
        {
            var waiting = queue.TryReceiveAsync(default);
            Assert.NotSame(waiting, await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromSeconds(1))));
            await broker.OfferAsync(new NodeMessage($"{priority}", 1, 0, 1), priority);
            await using var lease = await waiting.WaitAsync(TimeSpan.FromMinutes(2));
            Assert.Equal($"{priority}", lease?.Message.JobId);
            await lease!.CompleteAsync(default);
        }

        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queue.TryReceiveAsync(stop.Token));
    }

    private static ServiceBusNodeQueue Queue(TestBroker broker, TimeSpan? wait = null)
        => new(broker.Client, Options.Create(new RunnerOptions { ReceiveWait = wait ?? TimeSpan.FromMilliseconds(100) }), TimeProvider.System, NullLogger<ServiceBusNodeQueue>.Instance);

    private static async Task<INodeLease> ReceiveAsync(ServiceBusNodeQueue queue)
    {
        INodeLease? lease = null;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((lease = await queue.TryReceiveAsync(deadline.Token)) is null)
        {
            deadline.Token.ThrowIfCancellationRequested();
        }

        return lease;
    }
}
