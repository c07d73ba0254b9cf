using System.Collections.Concurrent;
using System.Diagnostics;
using Amqp;
using Amqp.Framing;

namespace AiPlatform.Messaging.Transport;

/// <summary>
/// The receiving link of a receiver: asks the broker for as many messages as are wanted, buffers what arrives, and takes
/// back what it asked for and no longer wants, so that no message is locked for nobody.
/// </summary>
internal sealed class MessagePump : IAsyncDisposable
{
    // The library does not tell when a drain has been answered. Until then messages may still arrive, and new credit would
    // bring the old back.
    private static readonly TimeSpan DrainGrace = TimeSpan.FromMilliseconds(50);

    // A caller that receives in a loop comes back within this time and uses what it asked for before.
    private static readonly TimeSpan KeepCredit = TimeSpan.FromMilliseconds(20);

    private readonly AmqpConnectionScope _scope;
    private readonly string _address;
    private readonly ServiceBusReceiveMode _mode;
    private readonly int _prefetch;
    private readonly RetryRunner _retry;
    private readonly ReceiverSession? _session;
    private readonly RecoverableLink<OpenedReceiver> _link;
    private readonly ConcurrentQueue<ServiceBusReceivedMessage> _buffer = new();
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly SemaphoreSlim _arrived = new(0);
    private int _receives;
    private volatile bool _keepsUnwanted = true;

    internal MessagePump(AmqpConnectionScope scope, string address, ServiceBusReceiveMode mode, int prefetch, RetryRunner retry, ReceiverSession? session)
    {
        _scope = scope;
        _address = address;
        _mode = mode;
        _prefetch = prefetch;
        _retry = retry;
        _session = session;
        _link = new(OpenAsync, static opened => !opened.Link.IsClosed, static opened => opened.DisposeAsync().AsTask(), retry.Options.TryTimeout, retry.Time);
    }

    /// <summary>Opens the link of a session, and thereby locks the session.</summary>
    /// <exception cref="ServiceBusException">It is locked by another receiver, or no session has messages.</exception>
    internal Task AcceptSessionAsync(CancellationToken cancellationToken)
        => _retry.RunAsync(token => _link.GetAsync(token).AsTask(), _address, cancellationToken);

    /// <summary>Waits for at least one message; empty when none came in time.</summary>
    /// <param name="maxMessages">The most messages to return.</param>
    /// <param name="maxWaitTime">How long to wait for the first one.</param>
    /// <param name="keepCredit">Whether the broker may go on sending what was asked for after the return.</param>
    /// <param name="cancellationToken">Ends the wait; what has arrived stays for the next call.</param>
    internal async Task<List<ServiceBusReceivedMessage>> ReceiveAsync(int maxMessages, TimeSpan maxWaitTime, bool keepCredit, CancellationToken cancellationToken)
    {
        var result = new List<ServiceBusReceivedMessage>();
        using var patience = new CancellationTokenSource(maxWaitTime, _retry.Time);
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await _gate.WaitAsync(wait.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return result;
        }

        _receives++;
        _keepsUnwanted = keepCredit || _prefetch > 0 || _mode == ServiceBusReceiveMode.ReceiveAndDelete;
        try
        {
            Take(result, maxMessages);
            while (result.Count == 0)
            {
                OpenedReceiver opened;
                try
                {
                    opened = await _retry.RunAsync(token => _link.GetAsync(token).AsTask(), _address, wait.Token);
                    await opened.RequestAsync(Math.Max(maxMessages, _prefetch) - _buffer.Count, wait.Token);
                    await WaitForMessageAsync(opened, wait.Token);
                }
                catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
                {
                    await DrainAsync(keepCredit);
                    Take(result, maxMessages);
                    return result;
                }

                Take(result, maxMessages);
            }

            if (_prefetch > 0 && _link.Current is { } open)
            {
                await open.RequestAsync(_prefetch - _buffer.Count, CancellationToken.None);
            }

            return result;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await DrainAsync(keepCredit: false);
            throw;
        }
        finally
        {
            _gate.Release();
            if (!keepCredit && _prefetch == 0 && (!_buffer.IsEmpty || _link.Current is { HasCredit: true }))
            {
                _ = ReturnUnwantedAsync();
            }
        }
    }

    /// <summary>Tells the link that a message is settled, so that both ends forget the delivery.</summary>
    internal void Forget(ServiceBusReceivedMessage message, bool completed)
    {
        if (message.Delivery is not { } delivery || _link.Current is not { } opened || !opened.Owns(delivery))
        {
            return;
        }

        try
        {
            if (completed)
            {
                opened.Link.Accept(delivery);
            }
            else
            {
                opened.Link.Release(delivery);
            }
        }
        catch (Exception exception) when (exception is AmqpException or InvalidOperationException or ObjectDisposedException)
        {
            // The link closed meanwhile, and with it the delivery.
        }
    }

    /// <summary>Gives a message back that was not handed out, so that its delivery does not count; false when its link is gone.</summary>
    internal bool TryRelease(ServiceBusReceivedMessage message)
    {
        if (message.Delivery is not { } delivery || _link.Current is not { } opened)
        {
            return false;
        }

        try
        {
            opened.Link.Release(delivery);
            return true;
        }
        catch (Exception exception) when (exception is AmqpException or InvalidOperationException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Asks for nothing more, and takes what arrived and was not handed out, to give it back to the queue.</summary>
    internal async Task<List<ServiceBusReceivedMessage>> StopAsync()
    {
        if (_link.Current is { } opened && opened.Drain())
        {
            await Task.Delay(DrainGrace);
        }

        var result = new List<ServiceBusReceivedMessage>();
        Take(result, int.MaxValue);
        return result;
    }

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
    }

    // Unless somebody receives within a moment: takes the credit back, and gives back what arrived for nobody. It would stay
    // locked here while another receiver waits for it.
    private async Task ReturnUnwantedAsync()
    {
        var receives = Volatile.Read(ref _receives);
        await Task.Delay(KeepCredit);
        if (!await _gate.WaitAsync(TimeSpan.Zero))
        {
            return;
        }

        try
        {
            if (_receives != receives)
            {
                return;
            }

            _link.Current?.Drain();
            while (!_keepsUnwanted && _buffer.TryDequeue(out var message))
            {
                // When its link is gone, its lock ends by itself.
                TryRelease(message);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    // With prefetch the broker may go on sending between calls: that is what it is for.
    private async Task DrainAsync(bool keepCredit)
    {
        if (!keepCredit && _prefetch == 0 && _buffer.IsEmpty && _link.Current is { } opened && opened.Drain())
        {
            await _arrived.WaitAsync(DrainGrace);
        }
    }

    private async Task WaitForMessageAsync(OpenedReceiver opened, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, opened.Closed);
        try
        {
            while (_buffer.IsEmpty)
            {
                await _arrived.WaitAsync(waiting.Token);
            }
        }
        catch (OperationCanceledException) when (opened.Closed.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // The link was lost: the caller opens it again.
        }
    }

    private void Take(List<ServiceBusReceivedMessage> result, int maxMessages)
    {
        while (result.Count < maxMessages && _buffer.TryDequeue(out var message))
        {
            result.Add(message);
        }
    }

    private async Task<OpenedReceiver> OpenAsync(CancellationToken cancellationToken)
    {
        if (_session is { Id: not null })
        {
            // Whoever has the session now, it may not be this receiver: what it holds cannot be trusted any longer.
            throw new ServiceBusException("The session's link was lost, and with it the session's lock.", ServiceBusFailureReason.SessionLockLost, _address);
        }

        var session = await _scope.OpenSessionAsync(_address, cancellationToken);
        try
        {
            var attach = new Attach
            {
                Source = new Source { Address = _address },
                Target = new Target(),
                SndSettleMode = _mode == ServiceBusReceiveMode.PeekLock ? SenderSettleMode.Unsettled : SenderSettleMode.Settled,
                RcvSettleMode = _mode == ServiceBusReceiveMode.PeekLock ? ReceiverSettleMode.Second : ReceiverSettleMode.First,
            };

            // The broker gives up a moment before this side does, so that its answer is the one that counts.
            _session?.AddTo(attach, _retry.Options.TryTimeout * 0.9);
            var link = await LinkOpening.OpenReceiverAsync(session, $"{_address}-{Guid.NewGuid():N}", attach, cancellationToken, answer => _session?.Read(answer));
            return new OpenedReceiver(link, OnMessage);
        }
        catch (AmqpException exception) when (_session is not null && (string?)exception.Error?.Condition == ServiceBusAmqp.Timeout)
        {
            // An answer, not a failure: it is not repeated.
            _ = LinkOpening.CloseAsync(session);
            throw new ServiceBusException(
                isTransient: false, "No session with messages became available in time.", _address, ServiceBusFailureReason.ServiceTimeout, exception);
        }
        catch
        {
            _ = LinkOpening.CloseAsync(session);
            throw;
        }
    }

    private void OnMessage(Message message)
    {
        var token = message.DeliveryTag is { Length: 16 } tag ? new Guid(tag) : Guid.Empty;
        _buffer.Enqueue(AmqpMessageConverter.FromAmqp(message, token, isDelivery: _mode == ServiceBusReceiveMode.PeekLock));
        _arrived.Release();
        if (!_keepsUnwanted && _gate.CurrentCount > 0)
        {
            // Sent before the broker knew that its credit was taken back.
            _ = ReturnUnwantedAsync();
        }
    }

    /// <summary>One life of the link, with the credit that is outstanding on it.</summary>
    private sealed class OpenedReceiver : IAsyncDisposable
    {
        private readonly CancellationTokenSource _closed = new();
        private readonly Action<Message> _onMessage;
        private readonly Lock _lock = new();
        private int _outstanding;
        private long _drainedAt;

        internal OpenedReceiver(ReceiverLink link, Action<Message> onMessage)
        {
            Link = link;
            _onMessage = onMessage;
            Closed = _closed.Token;
            link.AddClosedCallback((_, _) => SignalClosed());
            link.Start(0, OnMessage);
        }

        internal ReceiverLink Link { get; }

        internal CancellationToken Closed { get; }

        public async ValueTask DisposeAsync()
        {
            await LinkOpening.CloseAsync(Link.Session);
            _closed.Dispose();
        }

        /// <summary>Whether the broker may send something.</summary>
        internal bool HasCredit
        {
            get
            {
                lock (_lock)
                {
                    return _outstanding > 0;
                }
            }
        }

        internal bool Owns(Message delivery) => !Link.IsClosed && delivery.DeliveryTag is not null;

        /// <summary>Raises the outstanding credit to <paramref name="wanted"/>.</summary>
        internal async ValueTask RequestAsync(int wanted, CancellationToken cancellationToken)
        {
            while (true)
            {
                TimeSpan wait;
                lock (_lock)
                {
                    wait = _drainedAt == 0 ? TimeSpan.Zero : DrainGrace - Stopwatch.GetElapsedTime(_drainedAt);
                    if (wait <= TimeSpan.Zero)
                    {
                        var more = wanted - _outstanding;
                        if (more > 0)
                        {
                            _drainedAt = 0;
                            _outstanding += more;
                            Link.SetCredit(more, CreditMode.Manual);
                        }

                        return;
                    }
                }

                await Task.Delay(wait, cancellationToken);
            }
        }

        /// <summary>Takes the outstanding credit back; false when there is none.</summary>
        internal bool Drain()
        {
            lock (_lock)
            {
                if (_outstanding <= 0 || Link.IsClosed)
                {
                    return false;
                }

                Link.SetCredit(_outstanding, CreditMode.Drain);
                _outstanding = 0;
                _drainedAt = Stopwatch.GetTimestamp();
                return true;
            }
        }

        private void SignalClosed()
        {
            try
            {
                _closed.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The receiver was closed, and the library tells it late.
            }
        }

        private void OnMessage(IReceiverLink link, Message message)
        {
            lock (_lock)
            {
                _outstanding = Math.Max(0, _outstanding - 1);
            }

            _onMessage(message);
        }
    }
}
