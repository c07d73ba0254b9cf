using System.Collections.Concurrent;
using AiPlatform.DurableTask.Scheduler;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker;

/// <summary>Takes work items from the hub and runs them; connects again, with back-off, for as long as the process lives.</summary>
internal sealed class DurableTaskWorker(
    DurableTaskSchedulerConnectionString connection,
    DurableTaskRegistry registry,
    DurableTaskWorkerOptions options,
    TimeProvider time,
    IServiceProvider services,
    ILoggerFactory loggerFactory) : BackgroundService
{
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromSeconds(5);

    /// <summary>Hubs ping every 30 to 60 s; after this the connection is taken for dead.</summary>
    private static readonly TimeSpan MaxSilence = TimeSpan.FromSeconds(120);

    private readonly ILogger _logger = loggerFactory.CreateLogger<DurableTaskWorker>();
    private readonly ConcurrentDictionary<long, Task> _running = new();
    private readonly string _workerId = $"{Environment.MachineName},{Environment.ProcessId},{Guid.NewGuid():N}";
    private long _lastRun;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var channel = new SchedulerChannel(connection, time, _workerId);
        using var abandoned = new CancellationTokenSource();
        var completions = new CompletionSender(channel.Stub, _logger, abandoned.Token);
        var turns = new TurnRunner(channel.Stub, completions, registry, options, services, loggerFactory);
        var activities = new ActivityRunner(completions, registry, options, services, _logger, stoppingToken);
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await channel.Stub.HelloAsync(new Empty(), deadline: time.GetUtcNow().UtcDateTime.AddSeconds(30), cancellationToken: stoppingToken);
                failures = 0;
                await ReceiveAsync(channel, turns, activities, stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                failures++;
                Logs.Disconnected(_logger, failures, (exception as RpcException)?.Status.ToString() ?? exception.Message);
            }

            var ceiling = Math.Min(MaxBackOff.TotalMilliseconds, 100 * Math.Pow(2, Math.Min(failures, 10)));
            await Task.Delay(TimeSpan.FromMilliseconds(50 + (Random.Shared.NextDouble() * ceiling)), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await DrainAsync(abandoned);
    }

    private async Task ReceiveAsync(SchedulerChannel channel, TurnRunner turns, ActivityRunner activities, CancellationToken stoppingToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        silence.CancelAfter(MaxSilence);
        using var call = channel.Stub.GetWorkItems(Request(), new Metadata { { TurnRunner.CachingHeader, "1" } }, cancellationToken: silence.Token);
        await call.ResponseHeadersAsync;
        Logs.Connected(_logger, _workerId, connection.Endpoint, connection.TaskHubName);
        await foreach (var item in call.ResponseStream.ReadAllAsync(silence.Token))
        {
            silence.CancelAfter(MaxSilence);
            switch (item.RequestCase)
            {
                case P.WorkItem.RequestOneofCase.OrchestratorRequest:
                    Track(Task.Run(() => turns.RunAsync(item.OrchestratorRequest, item.CompletionToken), CancellationToken.None));
                    break;
                case P.WorkItem.RequestOneofCase.ActivityRequest:
                    Track(Task.Run(() => activities.RunAsync(item.ActivityRequest, item.CompletionToken), CancellationToken.None));
                    break;
                default:
                    // Health pings, and kinds that were not asked for.
                    break;
            }
        }
    }

    private P.GetWorkItemsRequest Request()
    {
        var request = new P.GetWorkItemsRequest
        {
            MaxConcurrentActivityWorkItems = options.Concurrency.MaximumConcurrentActivityWorkItems,
            MaxConcurrentOrchestrationWorkItems = options.Concurrency.MaximumConcurrentOrchestrationWorkItems,
            Capabilities = { P.WorkerCapability.HistoryStreaming },
        };
        if (options.UseWorkItemFilters)
        {
            request.WorkItemFilters = new();
            request.WorkItemFilters.Orchestrations.AddRange(registry.Orchestrators.Keys.Select(name => new P.OrchestrationFilter { Name = name.Name }));
            request.WorkItemFilters.Activities.AddRange(registry.Activities.Keys.Select(name => new P.ActivityFilter { Name = name.Name }));
        }

        return request;
    }

    private void Track(Task task)
    {
        var id = Interlocked.Increment(ref _lastRun);
        _running[id] = task;
        _ = task.ContinueWith(_ => _running.TryRemove(id, out var _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task DrainAsync(CancellationTokenSource abandoned)
    {
        var rest = Task.WhenAll(_running.Values);
        if (await Task.WhenAny(rest, Task.Delay(options.ShutdownGrace, time, CancellationToken.None)) != rest)
        {
            Logs.StillRunning(_logger, _running.Count);
        }

        await abandoned.CancelAsync();
    }
}
