using AiPlatform.Messaging.Transport;

namespace AiPlatform.Messaging;

/// <summary>
/// Accepts sessions and runs a handler for each of their messages: several sessions at once, each in order, with the sessions'
/// locks renewed. Goes on after any failure; failures are told to <see cref="ProcessErrorAsync"/>.
/// </summary>
public partial class ServiceBusSessionProcessor : IAsyncDisposable
{
    private readonly ServiceBusClient _client;
    private readonly ServiceBusSessionProcessorOptions _options;
    private readonly TimeProvider _time;
    private readonly ProcessorLoop _loop;

    internal ServiceBusSessionProcessor(ServiceBusClient client, string entityPath, ServiceBusSessionProcessorOptions options, TimeProvider time)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(entityPath);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxConcurrentSessions);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxConcurrentCallsPerSession);
        _client = client;
        _options = options;
        _time = time;
        _loop = new ProcessorLoop(time);
        EntityPath = entityPath;
        Identifier = options.Identifier.Length > 0 ? options.Identifier : $"{entityPath}-{Guid.NewGuid():N}";
    }

    /// <summary>Handles a message. Exactly one handler is needed.</summary>
    public event Func<ProcessSessionMessageEventArgs, Task>? ProcessMessageAsync;

    /// <summary>Is told of every error. At least one handler is needed.</summary>
    public event Func<ProcessErrorEventArgs, Task>? ProcessErrorAsync;

    /// <summary>A session was accepted; its messages come next.</summary>
    public event Func<ProcessSessionEventArgs, Task>? SessionInitializingAsync;

    /// <summary>A session has no more messages, or the processor stops; the session is still held.</summary>
    public event Func<ProcessSessionEventArgs, Task>? SessionClosingAsync;

    /// <summary>The queue or subscription.</summary>
    public virtual string EntityPath { get; }

    /// <summary>The host name of the namespace.</summary>
    public virtual string FullyQualifiedNamespace => _client.FullyQualifiedNamespace;

    /// <summary>The processor's name.</summary>
    public virtual string Identifier { get; }

    /// <summary>Whether messages are being processed.</summary>
    public virtual bool IsProcessing => _loop.IsRunning;

    /// <summary>Starts processing; returns at once.</summary>
    /// <exception cref="InvalidOperationException">A handler is missing, or the processor runs already.</exception>
    public virtual Task StartProcessingAsync(CancellationToken cancellationToken = default)
        => _loop.StartAsync(ProcessMessageAsync is not null && ProcessErrorAsync is not null, RunSlotsAsync, cancellationToken);

    /// <summary>Stops receiving, signals the handlers' tokens, and returns when every handler has ended.</summary>
    public virtual Task StopProcessingAsync(CancellationToken cancellationToken = default) => _loop.StopAsync(cancellationToken);

    /// <summary>Stops, and gives every session back.</summary>
    public virtual Task CloseAsync(CancellationToken cancellationToken = default) => StopProcessingAsync(cancellationToken);

    /// <inheritdoc />
    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _loop.Dispose();
        GC.SuppressFinalize(this);
    }

    private Task RunSlotsAsync(CancellationToken stop)
    {
        var slots = _options.SessionIds.Count == 0 ? _options.MaxConcurrentSessions : Math.Min(_options.MaxConcurrentSessions, _options.SessionIds.Count);
        return Task.WhenAll(Enumerable.Range(0, slots).Select(slot => Task.Run(() => RunSlotAsync(slot, slots, stop), CancellationToken.None)));
    }

    // One session after the other. With given sessions each slot has its share of them, and takes turns among them.
    private async Task RunSlotAsync(int slot, int slots, CancellationToken stop)
    {
        var turn = slot;
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            var wanted = _options.SessionIds.Count == 0 ? null : _options.SessionIds[turn % _options.SessionIds.Count];
            turn = turn + slots < _options.SessionIds.Count ? turn + slots : slot;
            try
            {
                var options = new ServiceBusSessionReceiverOptions { PrefetchCount = _options.PrefetchCount, ReceiveMode = _options.ReceiveMode, Identifier = Identifier };
                await using var receiver = wanted is null
                    ? await _client.AcceptNextSessionAsync(EntityPath, options, stop)
                    : await _client.AcceptSessionAsync(EntityPath, wanted, options, stop);
                failures = 0;
                await ProcessSessionAsync(receiver, stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (ServiceBusException exception) when (exception.Reason == ServiceBusFailureReason.ServiceTimeout && !exception.IsTransient)
            {
                // No session has messages now: it is asked for again.
            }
            catch (Exception exception)
            {
                failures++;
                await ReportAsync(exception, ServiceBusErrorSource.AcceptSession, stop);
                await _loop.PauseAsync(failures, stop);
            }
        }
    }

    private Task ReportAsync(Exception exception, ServiceBusErrorSource source, CancellationToken stop)
        => ProcessorLoop.ReportAsync(
            ProcessErrorAsync!, new ProcessErrorEventArgs(exception, source, FullyQualifiedNamespace, EntityPath, Identifier, stop));
}
