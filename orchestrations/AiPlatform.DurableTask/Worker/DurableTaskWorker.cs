using System.Collections.Concurrent;
using AiPlatform.DurableTask.Scheduler;
using AiPlatform.DurableTask.Worker.Entities;
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
    DurableTaskWorkerStatus status,
    TimeProvider time,
    IServiceProvider services,
    ILoggerFactory loggerFactory) : BackgroundService
{
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromSeconds(2);

    /// <summary>Hubs ping every 30 to 60 s; after this the connection is taken for dead.</summary>
    private static readonly TimeSpan MaxSilence = TimeSpan.FromSeconds(120);

    private readonly ILogger _logger = loggerFactory.CreateLogger<DurableTaskWorker>();
    private readonly ConcurrentDictionary<long, Task> _running = new();
    private readonly string _workerId = $"{Environment.MachineName},{Environment.ProcessId},{Guid.NewGuid():N}";
    private ActivityRunner? _activities;
    private long _lastRun;

    /// <summary>Completion tokens of the activities that run.</summary>
    public IEnumerable<string> RunningActivities => _activities?.Running ?? [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        options.UseConverterOf(services);
        using var channel = new SchedulerChannel(connection, time, _workerId);
        using var abandoned = new CancellationTokenSource();
        var completions = new CompletionSender(channel.Stub, _logger, abandoned.Token);
        var turns = new TurnRunner(channel.Stub, completions, registry, options, services, loggerFactory);
        var activities = _activities = new ActivityRunner(completions, registry, options, services, _logger, stoppingToken);
        var entities = new EntityRunner(completions, registry, options, time, services, _logger);
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await channel.Stub.HelloAsync(new Empty(), deadline: time.GetUtcNow().UtcDateTime.AddSeconds(30), cancellationToken: stoppingToken);
                failures = 0;
                await ReceiveAsync(channel, turns, activities, entities, completions, abandoned.Token, stoppingToken);
                status.Lost("The hub ended the connection.");
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                failures++;
                var reason = (exception as RpcException)?.Status.ToString() ?? exception.Message;
                status.Lost(reason);
                Logs.Disconnected(_logger, failures, reason);
            }

            var ceiling = Math.Min(MaxBackOff.TotalMilliseconds, 100 * Math.Pow(2, Math.Min(failures, 10)));
            await Task.Delay(TimeSpan.FromMilliseconds(50 + (Random.Shared.NextDouble() * ceiling)), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await DrainAsync(abandoned);
    }

    private async Task ReceiveAsync(
        SchedulerChannel channel, TurnRunner turns, ActivityRunner activities, EntityRunner entities, CompletionSender completions, CancellationToken abandoned, CancellationToken stoppingToken)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        silence.CancelAfter(MaxSilence);
        using var call = channel.Stub.GetWorkItems(Request(activities.Running), new Metadata { { TurnRunner.CachingHeader, "1" } }, cancellationToken: silence.Token);
        var headers = await call.ResponseHeadersAsync;
        status.Connected();
        Logs.Connected(_logger, _workerId, connection.Endpoint, connection.TaskHubName);
        var stream = headers.Get(CompletionStream.Header) is null ? null : new CompletionStream(channel.CompletionStub, abandoned);
        completions.Use(stream);
        try
        {
            await ReceiveAsync(call.ResponseStream, turns, activities, entities, silence);
        }
        finally
        {
            // A worker that stops finishes what is running, and reports it here.
            if (!stoppingToken.IsCancellationRequested)
            {
                completions.Use(null);
                stream?.Close();
            }
        }
    }

    private async Task ReceiveAsync(IAsyncStreamReader<P.WorkItem> items, TurnRunner turns, ActivityRunner activities, EntityRunner entities, CancellationTokenSource silence)
    {
        await foreach (var item in items.ReadAllAsync(silence.Token))
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
                case P.WorkItem.RequestOneofCase.EntityRequest:
                    Track(Task.Run(() => entities.RunAsync(item.EntityRequest, item.CompletionToken), CancellationToken.None));
                    break;
                case P.WorkItem.RequestOneofCase.EntityRequestV2:
                    Track(Task.Run(() => entities.RunAsync(item.EntityRequestV2, item.CompletionToken), CancellationToken.None));
                    break;
                default:
                    // Health pings, and kinds that were not asked for.
                    break;
            }
        }
    }

    private P.GetWorkItemsRequest Request(IEnumerable<string> running)
    {
        var request = new P.GetWorkItemsRequest
        {
            MaxConcurrentActivityWorkItems = options.Concurrency.MaximumConcurrentActivityWorkItems,
            MaxConcurrentOrchestrationWorkItems = options.Concurrency.MaximumConcurrentOrchestrationWorkItems,
            MaxConcurrentEntityWorkItems = registry.Entities.Count == 0 ? 0 : options.Concurrency.MaximumConcurrentEntityWorkItems,
            Capabilities = { P.WorkerCapability.HistoryStreaming },
            RunningActivities = { running },
        };
        if (options.UseWorkItemFilters)
        {
            // Versions can only be asked for one by one, so "this or older" is decided here, turn by turn.
            string[] versions = options.Versioning is { MatchStrategy: DurableTaskWorkerOptions.VersionMatchStrategy.Strict } versioning ? [versioning.Version] : [];
            request.WorkItemFilters = new();
            request.WorkItemFilters.Orchestrations.AddRange(registry.Orchestrators.Keys.Select(name => new P.OrchestrationFilter { Name = name.Name, Versions = { versions } }));
            request.WorkItemFilters.Activities.AddRange(registry.Activities.Keys.Select(name => new P.ActivityFilter { Name = name.Name, Versions = { versions } }));
            request.WorkItemFilters.Entities.AddRange(registry.Entities.Keys.Select(name => new P.EntityFilter { Name = name.Name.ToLowerInvariant() }));
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
