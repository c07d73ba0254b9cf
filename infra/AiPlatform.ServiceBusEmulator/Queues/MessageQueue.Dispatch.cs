namespace AiPlatform.ServiceBusEmulator.Queues;

internal sealed partial class MessageQueue
{
    private void Pump()
    {
        try
        {
            List<(MessageConsumer Consumer, Delivery Delivery)>? deleted = null;
            while (TryTake(out var consumer, out var delivery))
            {
                if (consumer.DeletesOnReceive)
                {
                    (deleted ??= []).Add((consumer, delivery));
                }
                else if (!consumer.Deliver(delivery))
                {
                    Release(delivery.LockToken);
                }
                else
                {
                    _metrics.Delivered(Name);
                }
            }

            if (deleted is not null)
            {
                _deletions = DeliverDeletedAsync(_deletions, deleted);
            }

            FinishDrains();
            StartLoading();
        }
        catch (Exception exception)
        {
            // One receiver's broken link must not stop the queue for the others.
            LogPumpFailed(_logger, exception, Name);
        }
    }

    private bool TryTake(out MessageConsumer consumer, out Delivery delivery)
    {
        lock (_lock)
        {
            while (NextConsumer() is { } next && TryTakeMessage(out var message))
            {
                var now = _time.GetUtcNow().UtcDateTime;
                if (message.ExpiresAt <= now)
                {
                    _ = BeginExpiry(message, now);
                    continue;
                }

                next.Credit--;
                next.DeliveryCount++;
                consumer = next;
                var payload = message.Payload!;
                if (next.DeletesOnReceive)
                {
                    next.PendingDeletions++;
                    delivery = new Delivery(message, payload, Guid.Empty, default);
                    return true;
                }

                var taken = LockMessage(message, now);
                delivery = new Delivery(message, payload, taken.Token, taken.Until);
                return true;
            }

            consumer = null!;
            delivery = default;
            return false;
        }
    }

    private MessageLock LockMessage(QueuedMessage message, DateTime now)
    {
        var taken = new MessageLock(Guid.NewGuid(), message, _session?.LockedUntil ?? now + LockDuration);
        _locks.Add(taken.Token, taken);
        AddExpiry(taken);
        if (message.State == MessageState.Deferred)
        {
            _lockedDeferred.Add(message.Id);
        }

        if (message.Payload?.Length > RetainedPayload)
        {
            message.Payload = null;
        }

        return taken;
    }

    // Receivers take turns.
    private MessageConsumer? NextConsumer()
    {
        if ((_window.Count == 0 && _returned.Count == 0) || !_entity.Properties.CanReceive || _session is { IsLost: true })
        {
            return null;
        }

        for (var i = 0; i < _consumers.Count; i++)
        {
            var candidate = _consumers[(_nextConsumer + i) % _consumers.Count];
            if (candidate.Credit > 0 && candidate.IsWritable && (candidate.DeletesOnReceive || _locks.Count < MaxLocks))
            {
                _nextConsumer = (_nextConsumer + i + 1) % _consumers.Count;
                return candidate;
            }
        }

        return null;
    }

    // Messages that came back go in their old place: before everything that was sent after them.
    private bool TryTakeMessage(out QueuedMessage message)
    {
        if (_returned.TryPeek(out message!, out var id) && (!_window.TryPeek(out var next) || id < next.Id))
        {
            _returned.Dequeue();
            return true;
        }

        if (_window.TryDequeue(out message!))
        {
            _windowBytes -= message.Size;
            return true;
        }

        return false;
    }

    private void FinishDrains()
    {
        List<MessageConsumer>? drained = null;
        lock (_lock)
        {
            // While messages are on their way from the table the receiver may still get some.
            if (_window.Count + _returned.Count + _reload.Count + _stored > 0 && _locks.Count < MaxLocks && _consumers.Exists(static consumer => consumer is { IsDraining: true, Credit: > 0, IsWritable: true }))
            {
                return;
            }

            foreach (var consumer in _consumers)
            {
                if (consumer is { IsDraining: true, PendingDeletions: 0 })
                {
                    consumer.IsDraining = false;
                    consumer.Credit = 0;
                    (drained ??= []).Add(consumer);
                }
            }
        }

        drained?.ForEach(static consumer => consumer.FinishDrain());
    }

    // At most once: the messages are gone from the table before they are on the wire. One group after the other, in order.
    private async Task DeliverDeletedAsync(Task previous, List<(MessageConsumer Consumer, Delivery Delivery)> deleted)
    {
        await previous;
        try
        {
            await _writer.WriteAsync(new Storage.DeleteOperation([.. deleted.Select(item => item.Delivery.Message.Id)]));
            _entity.AddBytes(-deleted.Sum(static item => (long)item.Delivery.Message.Bytes));
            _metrics.Settled(Name, "deleted", deleted.Count);
            foreach (var (consumer, delivery) in deleted)
            {
                if (consumer.Deliver(delivery))
                {
                    _metrics.Delivered(Name);
                }

                lock (_lock)
                {
                    consumer.PendingDeletions--;
                }
            }

            FinishDrains();
        }
        catch (Exception exception)
        {
            LogSettlementFailed(_logger, exception, Name);
        }
    }

    private void StartLoading()
    {
        long after;
        long committed;
        long[] reload;
        lock (_lock)
        {
            var wantsPage = _stored > 0 && _window.Count < PageBelow && _windowBytes < MaxWindowBytes;
            if (_isLoading || _consumers.Count == 0 || (!wantsPage && _reload.Count == 0))
            {
                return;
            }

            _isLoading = true;
            reload = [.. _reload.Take(MaxWindowCount)];
            after = _loadedUpTo;
            committed = _committedUpTo;
        }

        _ = LoadAsync(reload, after, committed);
    }

    private async Task LoadAsync(long[] reload, long after, long committed)
    {
        try
        {
            if (reload.Length > 0)
            {
                var messages = await _store.ReadByIdAsync(_entity.Id, Part, reload, _stopping);
                TakeReloaded(reload, messages);
            }
            else
            {
                var page = await _store.ReadPageAsync(_entity.Id, Part, _session?.Id, after, MaxWindowCount, _stopping);
                TakePage(page, committed);
            }
        }
        catch (Exception exception)
        {
            if (_stopping.IsCancellationRequested)
            {
                return;
            }

            LogLoadFailed(_logger, exception, Name);
            await Task.Delay(TimeSpan.FromMilliseconds(200 + Random.Shared.Next(300)), _time, CancellationToken.None);
        }

        lock (_lock)
        {
            _isLoading = false;
            ForgetWithdrawn();
        }

        SchedulePump();
    }

    private void TakeReloaded(long[] asked, List<QueuedMessage> messages)
    {
        lock (_lock)
        {
            if (messages.Count == 0)
            {
                _reload.RemoveAll(id => Array.IndexOf(asked, id) >= 0);
            }

            foreach (var message in messages)
            {
                if (_reload.Remove(message.Id))
                {
                    _returned.Enqueue(message, message.Id);
                }
            }
        }
    }

    private void TakePage(List<QueuedMessage> page, long committedBefore)
    {
        lock (_lock)
        {
            if (page.Count == 0 && _committedUpTo == committedBefore)
            {
                _stored = 0;
            }

            foreach (var message in page)
            {
                if (message.Id <= _loadedUpTo)
                {
                    continue;
                }

                if (_withdrawn.Contains(message.Id))
                {
                    _loadedUpTo = message.Id;
                    continue;
                }

                AddToWindow(message);
                if (message.Id <= _committedUpTo)
                {
                    _stored--;
                }
            }
        }
    }

    [LoggerMessage(10, LogLevel.Error, "Delivering from {Queue} failed")]
    private static partial void LogPumpFailed(ILogger logger, Exception exception, string queue);

    [LoggerMessage(11, LogLevel.Warning, "Reading messages of {Queue} failed; it is repeated")]
    private static partial void LogLoadFailed(ILogger logger, Exception exception, string queue);

    [LoggerMessage(12, LogLevel.Error, "Writing an outcome of {Queue} failed")]
    private static partial void LogSettlementFailed(ILogger logger, Exception exception, string queue);
}
