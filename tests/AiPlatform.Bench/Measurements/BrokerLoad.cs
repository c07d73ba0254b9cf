using System.Diagnostics;
using AiPlatform.Bench.Platform;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// The broker under load: broker, client and PostgreSQL are separate processes on one machine, every message is durable and every
/// settlement confirmed, fsync is on, messages have 1 KiB. Targets: 8,000 messages/s sent, received and completed, 2,000/s with two
/// milliseconds more per commit, p99 from send to receive under 10 ms at 500 messages/s.
/// </summary>
internal static class BrokerLoad
{
    private const int BodySize = 1024;
    private const int Senders = 256;
    private const int Handlers = 256;
    private const int Batch = 100;
    private const int Rounds = 3;
    private const int PacedRate = 500;

    public static async Task<object> MeasureAsync(CancellationToken cancellationToken)
    {
        await using var broker = await BrokerProcesses.StartAsync(cancellationToken);
        await RunAsync(broker, 20_000, SendSinglesAsync, cancellationToken);
        const int count = 40_000;

        // First, so that PostgreSQL does not still clean up after the floods.
        var latencies = await PacedAsync(broker, TimeSpan.FromSeconds(15), cancellationToken);
        var before = broker.Processor();
        var singles = await MedianAsync(() => RunAsync(broker, count, SendSinglesAsync, cancellationToken));
        var after = broker.Processor();
        var batches = await MedianAsync(() => RunAsync(broker, count, SendBatchesAsync, cancellationToken));
        var commit = await broker.CommitMillisecondsAsync(cancellationToken);
        await broker.SlowCommitsAsync(cancellationToken);
        var slowCommit = await broker.CommitMillisecondsAsync(cancellationToken);
        var slow = await MedianAsync(() => RunAsync(broker, count / 4, SendSinglesAsync, cancellationToken));
        const double messages = Rounds * count;
        return new
        {
            messagesPerSecond = singles,
            messagesPerSecondSentInBatchesOf100 = batches,
            messagesPerSecondWithSlowCommits = slow,
            at500PerSecond = latencies,
            commitMilliseconds = new { asIs = commit, slowed = slowCommit },
            processorMillisecondsPerMessage = new
            {
                broker = Math.Round((after.Broker - before.Broker) * 1000 / messages, 3),
                postgres = Math.Round((after.Postgres - before.Postgres) * 1000 / messages, 3),
                client = Math.Round((after.Client - before.Client) * 1000 / messages, 3),
            },
            brokerResidentMiB = Math.Round(broker.BrokerMemory / (double)(1 << 20), 1),
        };
    }

    /// <summary>Messages per second from the first send to the last confirmed completion, while senders and handlers work at once.</summary>
    private static async Task<double> RunAsync(
        BrokerProcesses broker, int count, Func<ServiceBusSender, int, CancellationToken, Task> sendAsync, CancellationToken cancellationToken)
    {
        var completed = 0;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var processor = await StartAsync(broker, Handlers, autoComplete: false, done, async args =>
        {
            await args.CompleteMessageAsync(args.Message);
            if (Interlocked.Increment(ref completed) == count)
            {
                done.TrySetResult();
            }
        });
        await using var sender = broker.Client.CreateSender(BrokerProcesses.Queue);
        var clock = Stopwatch.StartNew();
        await sendAsync(sender, count, cancellationToken);
        await done.Task.WaitAsync(cancellationToken);
        return Math.Round(count / clock.Elapsed.TotalSeconds);
    }

    private static Task SendSinglesAsync(ServiceBusSender sender, int count, CancellationToken cancellationToken)
        => EachAsync(count, Senders, () => sender.SendMessageAsync(new ServiceBusMessage(new byte[BodySize]), cancellationToken));

    private static Task SendBatchesAsync(ServiceBusSender sender, int count, CancellationToken cancellationToken)
        => EachAsync(count / Batch, 4, () => sender.SendMessagesAsync(Enumerable.Range(0, Batch).Select(_ => new ServiceBusMessage(new byte[BodySize])), cancellationToken));

    private static Task EachAsync(int count, int atOnce, Func<Task> act)
    {
        var left = count;
        return Task.WhenAll(Enumerable.Range(0, atOnce).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await act();
            }
        }));
    }

    // Sent by the clock, whatever the answers: a slow broker cannot slow the measurement down.
    private static async Task<object> PacedAsync(BrokerProcesses broker, TimeSpan length, CancellationToken cancellationToken)
    {
        var count = (int)(PacedRate * length.TotalSeconds);
        var sent = new long[count];
        var milliseconds = new double[count];
        var confirmations = new double[count];
        var received = 0;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var processor = await StartAsync(broker, 64, autoComplete: true, done, args =>
        {
            var now = Stopwatch.GetTimestamp();
            var index = BitConverter.ToInt32(args.Message.Body.ToMemory().Span);
            milliseconds[index] = Stopwatch.GetElapsedTime(sent[index], now).TotalMilliseconds;
            if (Interlocked.Increment(ref received) == count)
            {
                done.TrySetResult();
            }

            return Task.CompletedTask;
        });
        await using var sender = broker.Client.CreateSender(BrokerProcesses.Queue);
        await sender.CreateMessageBatchAsync(cancellationToken);
        var sends = new List<Task>(count);
        var clock = Stopwatch.StartNew();
        for (var index = 0; index < count; index++)
        {
            while (clock.Elapsed.TotalSeconds * PacedRate < index)
            {
                await Task.Delay(1, cancellationToken);
            }

            var body = new byte[BodySize];
            BitConverter.TryWriteBytes(body, index);
            sends.Add(SendAsync(index, body));
        }

        await Task.WhenAll(sends);
        await done.Task.WaitAsync(cancellationToken);

        // The first half second opens links.
        return new
        {
            sendToReceiveMilliseconds = Percentiles.Of(milliseconds.Skip(PacedRate / 2)),
            sendToConfirmationMilliseconds = Percentiles.Of(confirmations.Skip(PacedRate / 2)),
        };

        async Task SendAsync(int index, byte[] body)
        {
            sent[index] = Stopwatch.GetTimestamp();
            await sender.SendMessageAsync(new ServiceBusMessage(body), cancellationToken);
            confirmations[index] = Stopwatch.GetElapsedTime(sent[index]).TotalMilliseconds;
        }
    }

    private static async Task<ServiceBusProcessor> StartAsync(
        BrokerProcesses broker, int handlers, bool autoComplete, TaskCompletionSource done, Func<ProcessMessageEventArgs, Task> handle)
    {
        var processor = broker.Client.CreateProcessor(
            BrokerProcesses.Queue,
            new ServiceBusProcessorOptions { MaxConcurrentCalls = handlers, PrefetchCount = 2 * handlers, AutoCompleteMessages = autoComplete });
        processor.ProcessMessageAsync += handle;
        processor.ProcessErrorAsync += error =>
        {
            done.TrySetException(error.Exception);
            return Task.CompletedTask;
        };
        await processor.StartProcessingAsync();
        return processor;
    }

    private static async Task<object> MedianAsync(Func<Task<double>> measure)
    {
        var runs = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            runs.Add(await measure());
        }

        return new { median = runs.Order().ElementAt(Rounds / 2), runs };
    }
}
