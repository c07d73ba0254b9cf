using AiPlatform.Messaging;
using AiPlatform.Messaging.Transport;

namespace AiPlatform.Tests.Messaging;

public sealed class CompletionBatcherTests
{
    [Fact]
    public async Task Completions_at_once_share_requests()
    {
        var requests = 0;
        var batcher = new CompletionBatcher(async (_, _) =>
        {
            Interlocked.Increment(ref requests);
            await Task.Delay(20);
        });
        await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => batcher.CompleteAsync(Guid.NewGuid(), CancellationToken.None)));
        Assert.InRange(requests, 2, 20);
    }

    [Fact]
    public async Task A_lost_lock_fails_only_its_own_completion()
    {
        var lost = Guid.NewGuid();
        var batcher = new CompletionBatcher((tokens, _) => tokens.Contains(lost)
            ? throw new ServiceBusException("lost", ServiceBusFailureReason.MessageLockLost)
            : Task.CompletedTask);
        var others = Enumerable.Range(0, 20).Select(_ => batcher.CompleteAsync(Guid.NewGuid(), CancellationToken.None)).ToList();
        await Assert.ThrowsAsync<ServiceBusException>(() => batcher.CompleteAsync(lost, CancellationToken.None));
        await Task.WhenAll(others);
    }

    [Fact]
    public async Task A_broken_connection_fails_the_whole_group()
    {
        var batcher = new CompletionBatcher((_, _) => throw new ServiceBusException("away", ServiceBusFailureReason.ServiceCommunicationProblem));
        var first = batcher.CompleteAsync(Guid.NewGuid(), CancellationToken.None);
        var second = batcher.CompleteAsync(Guid.NewGuid(), CancellationToken.None);
        await Assert.ThrowsAsync<ServiceBusException>(() => first);
        await Assert.ThrowsAsync<ServiceBusException>(() => second);
    }
}
