using AiPlatform.Messaging.Transport;

namespace AiPlatform.Messaging;

/// <summary>
/// Receives messages and runs a handler for each, with bounded concurrency, lock renewal, and settlement when the handler
/// ends. Goes on after any failure; failures are told to <see cref="ProcessErrorAsync"/>.
/// </summary>
public partial class ServiceBusProcessor : IAsyncDisposable
{
    private readonly ServiceBusReceiver _receiver;
    private readonly ServiceBusProcessorOptions _options;
    private readonly TimeProvider _time;
    private readonly ProcessorLoop _loop;

    internal ServiceBusProcessor(ServiceBusReceiver receiver, ServiceBusProcessorOptions options, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxConcurrentCalls);
        _receiver = receiver;
        _options = options;
        _time = time;
        _loop = new ProcessorLoop(time);
    }

    /// <summary>Handles a message. Exactly one handler is needed.</summary>
    public event Func<ProcessMessageEventArgs, Task>? ProcessMessageAsync;

    /// <summary>Is told of every error. At least one handler is needed.</summary>
    public event Func<ProcessErrorEventArgs, Task>? ProcessErrorAsync;

    /// <summary>The queue or subscription, with the sub-queue.</summary>
    public virtual string EntityPath => _receiver.EntityPath;

    /// <summary>The host name of the namespace.</summary>
    public virtual string FullyQualifiedNamespace => _receiver.FullyQualifiedNamespace;

    /// <summary>The processor's name.</summary>
    public virtual string Identifier => _receiver.Identifier;

    /// <summary>Handlers that may run at once.</summary>
    public virtual int MaxConcurrentCalls => _options.MaxConcurrentCalls;

    /// <summary>Whether messages are completed when their handlers return.</summary>
    public virtual bool AutoCompleteMessages => _options.AutoCompleteMessages;

    /// <summary>How long locks are renewed.</summary>
    public virtual TimeSpan MaxAutoLockRenewalDuration => _options.MaxAutoLockRenewalDuration;

    /// <summary>Whether messages are being processed.</summary>
    public virtual bool IsProcessing => _loop.IsRunning;

    /// <summary>Whether the processor was closed.</summary>
    public virtual bool IsClosed => _receiver.IsClosed;

    /// <summary>Starts processing; returns at once.</summary>
    /// <exception cref="InvalidOperationException">A handler is missing, or the processor runs already.</exception>
    public virtual Task StartProcessingAsync(CancellationToken cancellationToken = default)
        => _loop.StartAsync(ProcessMessageAsync is not null && ProcessErrorAsync is not null, RunAsync, cancellationToken);

    /// <summary>Stops receiving, signals the handlers' tokens, and returns when every handler has ended.</summary>
    public virtual Task StopProcessingAsync(CancellationToken cancellationToken = default) => _loop.StopAsync(cancellationToken);

    /// <summary>Stops, then closes the links.</summary>
    public virtual async Task CloseAsync(CancellationToken cancellationToken = default)
    {
        await StopProcessingAsync(cancellationToken);
        await _receiver.CloseAsync(cancellationToken);
    }

    /// <inheritdoc />
    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _loop.Dispose();
        GC.SuppressFinalize(this);
    }

    private async Task RunAsync(CancellationToken stop)
    {
        using var slots = new SemaphoreSlim(_options.MaxConcurrentCalls, _options.MaxConcurrentCalls);
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            var taken = 0;
            try
            {
                await slots.WaitAsync(stop);
                taken = 1;
                while (slots.Wait(0, CancellationToken.None))
                {
                    taken++;
                }

                var messages = await _receiver.ReceiveForProcessorAsync(taken, stop);
                failures = 0;
                foreach (var message in messages)
                {
                    taken--;
                    _ = ProcessOneAsync(message, slots, stop);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Stopping: the handlers that run are waited for below.
            }
            catch (Exception exception)
            {
                failures++;
                await ReportAsync(exception, ServiceBusErrorSource.Receive, stop);
                await _loop.PauseAsync(failures, stop);
            }
            finally
            {
                if (taken > 0)
                {
                    slots.Release(taken);
                }
            }
        }

        for (var i = 0; i < _options.MaxConcurrentCalls; i++)
        {
            await slots.WaitAsync(CancellationToken.None);
        }

        await _receiver.ReturnLeftoversAsync(CancellationToken.None);
    }

    private Task ReportAsync(Exception exception, ServiceBusErrorSource source, CancellationToken stop)
        => ProcessorLoop.ReportAsync(
            ProcessErrorAsync!, new ProcessErrorEventArgs(exception, source, FullyQualifiedNamespace, EntityPath, Identifier, stop));
}
