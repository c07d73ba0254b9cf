using AiPlatform.Messaging.Transport;

namespace AiPlatform.Messaging;

/// <summary>
/// Receives messages and runs a handler for each, with bounded concurrency, lock renewal, and settlement when the handler
/// ends. Goes on after any failure; failures are told to <see cref="ProcessErrorAsync"/>.
/// </summary>
public partial class ServiceBusProcessor : IAsyncDisposable
{
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(30);

    private readonly ServiceBusReceiver _receiver;
    private readonly ServiceBusProcessorOptions _options;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _state = new(1, 1);
    private CancellationTokenSource? _stop;
    private Task _running = Task.CompletedTask;

    internal ServiceBusProcessor(ServiceBusReceiver receiver, ServiceBusProcessorOptions options, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxConcurrentCalls);
        _receiver = receiver;
        _options = options;
        _time = time;
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
    public virtual bool IsProcessing => _stop is { IsCancellationRequested: false };

    /// <summary>Whether the processor was closed.</summary>
    public virtual bool IsClosed => _receiver.IsClosed;

    /// <summary>Starts processing; returns at once.</summary>
    /// <exception cref="InvalidOperationException">A handler is missing, or the processor runs already.</exception>
    public virtual async Task StartProcessingAsync(CancellationToken cancellationToken = default)
    {
        if (ProcessMessageAsync is null || ProcessErrorAsync is null)
        {
            throw new InvalidOperationException("ProcessMessageAsync and ProcessErrorAsync need a handler before processing starts.");
        }

        await _state.WaitAsync(cancellationToken);
        try
        {
            if (IsProcessing)
            {
                throw new InvalidOperationException("The processor runs already.");
            }

            _stop?.Dispose();
            _stop = new CancellationTokenSource();
            _running = Task.Run(() => RunAsync(_stop.Token), CancellationToken.None);
        }
        finally
        {
            _state.Release();
        }
    }

    /// <summary>Stops receiving, signals the handlers' tokens, and returns when every handler has ended.</summary>
    public virtual async Task StopProcessingAsync(CancellationToken cancellationToken = default)
    {
        await _state.WaitAsync(cancellationToken);
        try
        {
            if (_stop is { } stop)
            {
                await stop.CancelAsync();
                await _running.WaitAsync(cancellationToken);
            }
        }
        finally
        {
            _state.Release();
        }
    }

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
        _stop?.Dispose();
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
                await PauseAsync(failures, stop);
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

    private async Task PauseAsync(int failures, CancellationToken stop)
    {
        var ceiling = Math.Min(MaxPause.TotalMilliseconds, 100 * Math.Pow(2, Math.Min(failures, 16)));
        try
        {
            await Task.Delay(TimeSpan.FromMilliseconds(ceiling * Random.Shared.NextDouble()), _time, stop);
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private async Task ReportAsync(Exception exception, ServiceBusErrorSource source, CancellationToken stop)
    {
        try
        {
            await ProcessErrorAsync!(new ProcessErrorEventArgs(exception, source, FullyQualifiedNamespace, EntityPath, Identifier, stop));
        }
        catch (Exception)
        {
            // An error handler that fails has nobody else to tell; processing goes on.
        }
    }
}
