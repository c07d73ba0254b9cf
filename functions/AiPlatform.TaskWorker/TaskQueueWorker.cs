using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Hosting;
using AiPlatform.Hosting.ServiceBus;
using Azure.Messaging.ServiceBus;
using Microsoft.Extensions.Logging;

namespace AiPlatform.TaskWorker;

/// <summary>
/// Serves one pool's lane: takes released tasks from the queues of the four priorities, claims them, runs their handlers, reports
/// how they ended, and tells by heartbeats that it lives. The platform releases no more than there is room for, so no priority can
/// take the slots of another.
/// </summary>
public sealed class TaskQueueWorker : BackgroundLoop
{
    private const int IdleFactor = 3;

    private static readonly TimeSpan HeartbeatPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(500);

    private readonly AiPlatformClient _client;
    private readonly ServiceBusClient _bus;
    private readonly TaskWorkerOptions _options;
    private readonly Dictionary<string, ITaskHandler> _handlers;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TaskReporter _reporter;
    private readonly ActiveTasks _active = new();
    private readonly ConcurrentQueue<ActiveTask> _granted = new();
    private readonly List<ServiceBusProcessor> _processors = [];
    private readonly CancellationTokenSource _stopping = new();
    private TimeSpan _interval = RetryPause;

    /// <param name="client">With the identity of a worker.</param>
    /// <param name="bus">The broker.</param>
    /// <param name="handlers">One for each kind of task.</param>
    /// <param name="options">What is served.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">For failures.</param>
    public TaskQueueWorker(
        AiPlatformClient client, ServiceBusClient bus, IEnumerable<ITaskHandler> handlers, TaskWorkerOptions options, TimeProvider time,
        ILogger<TaskQueueWorker> logger)
        : base(time, logger)
    {
        (_client, _bus, _options, _time, _logger) = (client, bus, options, time, logger);
        _handlers = handlers.ToDictionary(static handler => handler.Name, StringComparer.Ordinal);
        _reporter = new TaskReporter(client, options, Take, time, logger);
    }

    /// <inheritdoc />
    /// <remarks>Who runs nothing has nothing to be told: a sign of life now and then is enough, far within the lease of a worker.</remarks>
    protected override TimeSpan IdleDelay => _active.IsEmpty ? _interval * IdleFactor : _interval;

    /// <inheritdoc />
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var priority in Enum.GetValues<JobPriority>())
        {
            // As many as the platform may release: a message that waits for a slot here would wait behind less important ones.
            var processor = _bus.CreateProcessor(
                TaskQueues.For(_options.Pool, _options.Lane, priority),
                new ServiceBusProcessorOptions { MaxConcurrentCalls = _options.Slots, MaxAutoLockRenewalDuration = Timeout.InfiniteTimeSpan });
            processor.ProcessMessageAsync += StoppedHandler.GivesBack(HandleAsync);
            processor.ProcessErrorAsync += error =>
            {
                Logs.BrokerFailed(_logger, error.EntityPath, error.Exception.Message);
                return Task.CompletedTask;
            };
            _processors.Add(processor);
            await processor.StartProcessingAsync(cancellationToken).ConfigureAwait(false);
        }

        await base.StartAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes no more tasks, gives back those that run, and returns when that is reported.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _reporter.Hurry();
        await Task.WhenAll(_processors.Select(processor => processor.CloseAsync(cancellationToken))).ConfigureAwait(false);
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        await SayGoodbyeAsync(cancellationToken).ConfigureAwait(false);
        await _reporter.DisposeAsync().ConfigureAwait(false);
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        _stopping.Dispose();
        base.Dispose();
    }

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(HeartbeatPatience);
        try
        {
            var commands = await _client.TaskWorkerHeartbeatAsync(
                _options.WorkerId, new TaskWorkerHeartbeat(_options.Pool, _options.Lane, _options.Slots, _active.Running), patience.Token).ConfigureAwait(false);
            _interval = TimeSpan.FromSeconds(Math.Clamp(commands.IntervalSeconds, 0.05, 60));
            foreach (var task in commands.Stop)
            {
                _active.Stop(task);
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or ApiException { IsTransient: true }
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // Expected while the platform is away: no long back-off, so that it hears of this worker soon after its return.
            Logs.HeartbeatFailed(_logger, exception.Message);
            _interval = RetryPause;
        }

        return false;
    }

    // An abandoned message comes back; a claim that fails for good ends with the queue's delivery limit and the lease of the release.
    private async Task HandleAsync(ProcessMessageEventArgs arguments)
    {
        var message = Read(arguments.Message.Body.ToMemory().Span);
        var wasIdle = _active.IsEmpty;
        if (await _reporter.ClaimAsync(message, arguments.CancellationToken).ConfigureAwait(false) is not { } assignment
            || _active.TryAdd(assignment, _stopping.Token) is not { } task)
        {
            return;
        }

        if (wasIdle)
        {
            Wake();
        }

        // What goes on because this task ended runs in its place, under the same message: it has come already when the report is stored.
        ExceptionDispatchInfo? failure = null;
        for (var next = task; next is not null || _granted.TryDequeue(out next); next = null)
        {
            try
            {
                await _reporter.CompleteAsync(Storable(next, await RunAsync(next).ConfigureAwait(false))).ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                // Thrown when nothing is left that nobody else would run.
                failure = ExceptionDispatchInfo.Capture(exception);
            }
            finally
            {
                _active.Remove(next);
            }
        }

        failure?.Throw();
    }

    // Known as running from now on, so that heartbeats name them. What runs here already is left out.
    private void Take(IReadOnlyList<TaskAssignment> granted)
    {
        foreach (var assignment in granted)
        {
            if (_active.TryAdd(assignment, _stopping.Token) is { } task)
            {
                _granted.Enqueue(task);
            }
        }
    }

    // Claims go in groups too: what is no task's id is refused before it joins one.
    private static TaskMessage Read(ReadOnlySpan<byte> body)
        => JsonSerializer.Deserialize<TaskMessage>(body, ContractsJson.Tolerant) is { TaskId.Length: 32 } message && message.TaskId.All(char.IsAsciiHexDigitLower)
            ? message
            : throw new JsonException("The body is no task message.");

    private static TaskCompletion Storable(ActiveTask task, TaskCompletion completion)
    {
        try
        {
            // A copy: the handler may have returned a part of a document that it disposes of.
            return TaskCompletionRule.Storable(completion with { Result = completion.Result?.Clone() });
        }
        catch (ObjectDisposedException)
        {
            return new TaskCompletion(
                task.Context.Assignment.TaskId, task.Context.Assignment.Fence, TaskOutcome.Failed, ErrorKind: "result.disposed",
                Error: "The handler disposed of the document that its result is part of.");
        }
    }

    private async Task<TaskCompletion> RunAsync(ActiveTask task)
    {
        var assignment = task.Context.Assignment;
        TaskCompletion Ended(TaskOutcome outcome, string? kind = null, string? error = null)
            => new(assignment.TaskId, assignment.Fence, outcome, ErrorKind: kind, Error: error);
        try
        {
            if (!_handlers.TryGetValue(assignment.Handler, out var handler))
            {
                return Ended(TaskOutcome.Failed, "invalid", $"This worker has no handler '{assignment.Handler}'.");
            }

            task.StopAfter(TimeSpan.FromSeconds(assignment.TimeoutSeconds));
            var result = await handler.RunAsync(task.Context, task.Token).ConfigureAwait(false);
            return Ended(TaskOutcome.Succeeded) with { Result = result };
        }
        catch (OperationCanceledException) when (task.Token.IsCancellationRequested)
        {
            return task.IsStopped ? Ended(TaskOutcome.Stopped)
                : _stopping.IsCancellationRequested ? Ended(TaskOutcome.GivenBack)
                : Ended(TaskOutcome.Failed, "timeout", $"The attempt took longer than {assignment.TimeoutSeconds:0.###} s.");
        }
        catch (TaskFailedException exception)
        {
            return Ended(TaskOutcome.Failed, exception.Kind, exception.Message);
        }
        catch (Exception exception)
        {
            return Ended(TaskOutcome.Failed, "error", $"{exception.GetType().Name}: {exception.Message}");
        }
    }

    // Without slots nothing is released to a worker that is gone.
    private async Task SayGoodbyeAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _client.TaskWorkerHeartbeatAsync(_options.WorkerId, new TaskWorkerHeartbeat(_options.Pool, _options.Lane, 0, []), cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HttpRequestException or ApiException or OperationCanceledException)
        {
            // The platform is away too, or in a hurry: the worker's lease ends by itself.
            Logs.HeartbeatFailed(_logger, exception.Message);
        }
    }
}
