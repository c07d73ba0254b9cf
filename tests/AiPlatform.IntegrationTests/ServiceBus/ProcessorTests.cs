using System.Collections.Concurrent;
using System.Diagnostics;
using AiPlatform.Hosting.ServiceBus;
using AiPlatform.IntegrationTests.Servers;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

[Collection(ServiceBusCollection.Name)]
public sealed class ProcessorTests(PostgresFixture postgres) : BrokerTests(postgres)
{
    private readonly ConcurrentQueue<ProcessErrorEventArgs> _errors = new();

    [Fact]
    public async Task Handlers_run_at_once_up_to_the_limit_and_their_messages_are_completed()
    {
        var running = 0;
        var most = 0;
        var handled = new ConcurrentDictionary<string, int>();
        await SendAsync(BrokerInstance.Queue, 60);
        await using var processor = await StartAsync(
            BrokerInstance.Queue,
            new ServiceBusProcessorOptions { MaxConcurrentCalls = 5 },
            async args =>
            {
                most = Math.Max(most, Interlocked.Increment(ref running));
                await Task.Delay(10);
                Interlocked.Decrement(ref running);
                handled.AddOrUpdate(args.Message.Body.ToString(), 1, (_, times) => times + 1);
            });

        await Eventually.TrueAsync(() => Task.FromResult(handled.Count == 60), "all messages were handled");
        await processor.StopProcessingAsync();
        Assert.All(handled.Values, times => Assert.Equal(1, times));
        Assert.InRange(most, 2, 5);
        Assert.Empty(_errors);
        await AssertEmptyAsync(BrokerInstance.Queue);
    }

    [Fact]
    public async Task A_handler_that_fails_is_reported_and_its_message_comes_again()
    {
        var times = 0;
        await SendAsync(BrokerInstance.Queue, 1);
        await using var processor = await StartAsync(
            BrokerInstance.Queue,
            new ServiceBusProcessorOptions(),
            _ => Interlocked.Increment(ref times) == 1 ? throw new FormatException("first time") : Task.CompletedTask);

        await Eventually.TrueAsync(() => Task.FromResult(times == 2), "the message was handled twice");
        await processor.StopProcessingAsync();
        var error = Assert.Single(_errors);
        Assert.Equal((ServiceBusErrorSource.ProcessMessageCallback, BrokerInstance.Queue), (error.ErrorSource, error.EntityPath));
        Assert.IsType<FormatException>(error.Exception);
        await AssertEmptyAsync(BrokerInstance.Queue);
    }

    [Fact]
    public async Task A_lock_is_renewed_while_its_handler_runs()
    {
        var times = 0;
        var queue = await CreatePatientQueueAsync();
        await SendAsync(queue, 1);
        var done = new TaskCompletionSource();
        await using var processor = await StartAsync(
            queue,
            new ServiceBusProcessorOptions { MaxConcurrentCalls = 2 },
            async _ =>
            {
                Interlocked.Increment(ref times);
                await Task.Delay(PatientLock + TimeSpan.FromSeconds(1));
                done.TrySetResult();
            });

        await done.Task.WaitAsync(PatientLock + Soon);
        await processor.StopProcessingAsync();
        Assert.Equal(1, times);
        Assert.Empty(_errors);
        await AssertEmptyAsync(queue);
    }

    [Fact]
    public async Task A_handler_settles_its_message_itself_when_it_wants_to()
    {
        await SendAsync(BrokerInstance.Queue, 3);
        var seen = 0;
        await using var processor = await StartAsync(
            BrokerInstance.Queue,
            new ServiceBusProcessorOptions(),
            async args =>
            {
                await args.RenewMessageLockAsync(args.Message);
                switch (args.Message.Body.ToString())
                {
                    case "0":
                        await args.CompleteMessageAsync(args.Message);
                        break;
                    case "1":
                        await args.DeadLetterMessageAsync(args.Message, "unwanted");
                        break;
                    default:
                        await args.DeferMessageAsync(args.Message);
                        break;
                }

                Interlocked.Increment(ref seen);
            });

        await Eventually.TrueAsync(() => Task.FromResult(seen == 3), "all messages were handled");
        await processor.StopProcessingAsync();
        Assert.Empty(_errors);
        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        Assert.Equal(ServiceBusMessageState.Deferred, Assert.Single(await receiver.PeekMessagesAsync(10)).State);
    }

    [Fact]
    public async Task Stopping_signals_the_handlers_and_waits_for_them()
    {
        await SendAsync(BrokerInstance.Queue, 1);
        var started = new TaskCompletionSource();
        var ended = false;
        await using var processor = await StartAsync(
            BrokerInstance.Queue,
            new ServiceBusProcessorOptions(),
            StoppedHandler.GivesBack(async args =>
            {
                started.TrySetResult();
                try
                {
                    await Task.Delay(Timeout.Infinite, args.CancellationToken);
                }
                finally
                {
                    await Task.Delay(200, CancellationToken.None);
                    ended = true;
                }
            }));
        await started.Task.WaitAsync(Soon);
        Assert.True(processor.IsProcessing);

        await processor.StopProcessingAsync();

        Assert.True(ended);
        Assert.False(processor.IsProcessing);
        Assert.Empty(_errors);
        await using var receiver = Client.CreateReceiver(BrokerInstance.Queue);
        Assert.Equal(2, (await ReceiveAsync(receiver)).DeliveryCount);
    }

    [Fact]
    public async Task A_handler_learns_that_its_lock_was_lost()
    {
        await SendAsync(BrokerInstance.ShortQueue, 1);
        var lost = new TaskCompletionSource<Exception?>();
        await using var processor = await StartAsync(
            BrokerInstance.ShortQueue,
            new ServiceBusProcessorOptions { AutoCompleteMessages = false },
            async args =>
            {
                args.MessageLockLostAsync += arguments =>
                {
                    lost.TrySetResult(arguments.Exception);
                    return Task.CompletedTask;
                };

                // Somebody else settles it behind the processor's back.
                await using var other = Client.CreateReceiver(BrokerInstance.ShortQueue);
                await other.CompleteMessageAsync(args.Message);
                await lost.Task.WaitAsync(Soon);
            });

        var exception = Assert.IsType<ServiceBusException>(await lost.Task.WaitAsync(Soon));
        Assert.Equal(ServiceBusFailureReason.MessageLockLost, exception.Reason);
    }

    [Fact]
    public async Task The_trace_of_the_sender_goes_on_in_the_handler()
    {
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource("test");
        using var activity = source.StartActivity("send")!;
        await SendAsync(BrokerInstance.Queue, 1);
        var traced = new TaskCompletionSource<ActivityTraceId?>();

        await using var processor = await StartAsync(
            BrokerInstance.Queue,
            new ServiceBusProcessorOptions(),
            _ =>
            {
                traced.TrySetResult(Activity.Current?.TraceId);
                return Task.CompletedTask;
            });

        Assert.Equal(activity.TraceId, await traced.Task.WaitAsync(Soon));
    }

    [Fact]
    public async Task A_processor_without_handlers_does_not_start()
    {
        await using var processor = Client.CreateProcessor(BrokerInstance.Queue);
        await Assert.ThrowsAsync<InvalidOperationException>(() => processor.StartProcessingAsync());
    }

    private async Task<ServiceBusProcessor> StartAsync(string queue, ServiceBusProcessorOptions options, Func<ProcessMessageEventArgs, Task> handler)
    {
        var processor = Client.CreateProcessor(queue, options);
        processor.ProcessMessageAsync += handler;
        processor.ProcessErrorAsync += error =>
        {
            _errors.Enqueue(error);
            return Task.CompletedTask;
        };
        await processor.StartProcessingAsync();
        return processor;
    }

    private async Task SendAsync(string queue, int count)
    {
        await using var sender = Client.CreateSender(queue);
        await sender.SendMessagesAsync(Enumerable.Range(0, count).Select(i => new ServiceBusMessage($"{i}")));
    }

    private async Task AssertEmptyAsync(string queue)
    {
        await using var receiver = Client.CreateReceiver(queue);
        Assert.Null(await receiver.PeekMessageAsync(0));
    }
}
