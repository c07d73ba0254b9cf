namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>
/// The messages of a queue that can be delivered, in order: a window of the next ones in memory, those that came back, and a count of what is
/// only in the table. Every member is called with the queue's gate held.
/// </summary>
internal sealed class MessageWindow
{
    /// <summary>The most messages that one read brings.</summary>
    internal const int MaxCount = 1_000;

    private const long MaxBytes = 4 * 1024 * 1024;
    private const int PageBelow = 250;
    private const long UnknownCount = long.MaxValue / 2;

    private readonly Queue<QueuedMessage> _window = new();
    private readonly PriorityQueue<QueuedMessage, long> _returned = new();
    private readonly List<long> _reload = [];

    // Being deleted, or deleted while a page was on its way from the table: that page may still have them.
    private readonly HashSet<long> _withdrawn = [];
    private readonly List<long> _withdrawnBefore = [];

    private long _bytes;
    private long _loadedUpTo;
    private long _committedUpTo;
    private long _stored;
    private bool _isLoading;

    /// <param name="isSession">Nobody counts a session's messages: there may be any number until the table says that there are no more.</param>
    internal MessageWindow(bool isSession) => _stored = isSession ? UnknownCount : 0;

    /// <summary>Messages that can be delivered at once.</summary>
    internal int InMemory => _window.Count + _returned.Count;

    /// <summary>All that can be delivered, in memory or in the table.</summary>
    internal long Count => InMemory + _reload.Count + _stored;

    /// <summary>Whether anything was sent here since this object was made.</summary>
    internal bool HasArrivals => _committedUpTo > 0;

    /// <summary>What the table holds at the start.</summary>
    internal void Restore(long count, long lastId)
    {
        _stored = count;
        _committedUpTo = lastId;
    }

    /// <summary>Takes a durable message in. In the order of sequence numbers.</summary>
    internal void OnCommitted(QueuedMessage message)
    {
        _committedUpTo = message.Id;
        if (message.Id <= _loadedUpTo || _withdrawn.Contains(message.Id))
        {
            // A page that was read after the commit brought it already, or it was deleted since.
            return;
        }

        if (_stored == 0 && message.Payload is not null && _window.Count < MaxCount && _bytes < MaxBytes)
        {
            Add(message);
        }
        else
        {
            _stored++;
        }
    }

    /// <summary>The next message. Those that came back go in their old place: before everything that was sent after them.</summary>
    internal bool TryTake(out QueuedMessage message)
    {
        if (_returned.TryPeek(out message!, out var id) && (!_window.TryPeek(out var next) || id < next.Id))
        {
            _returned.Dequeue();
            return true;
        }

        if (_window.TryDequeue(out message!))
        {
            _bytes -= message.Size;
            return true;
        }

        return false;
    }

    /// <summary>Makes a message available again; a deferred one waits to be asked for by its number.</summary>
    internal void PutBack(QueuedMessage message)
    {
        if (message.State == MessageState.Deferred)
        {
            return;
        }

        if (message.Payload is null)
        {
            _reload.Add(message.Id);
        }
        else
        {
            _returned.Enqueue(message, message.Id);
        }
    }

    /// <summary>What is to be read from the table now; null when nothing is, or a read is under way.</summary>
    internal WindowLoad? BeginLoad()
    {
        var wantsPage = _stored > 0 && _window.Count < PageBelow && _bytes < MaxBytes;
        if (_isLoading || (!wantsPage && _reload.Count == 0))
        {
            return null;
        }

        _isLoading = true;
        return new WindowLoad([.. _reload.Take(MaxCount)], _loadedUpTo, _committedUpTo);
    }

    /// <summary>Takes in what a read brought.</summary>
    internal void Take(WindowLoad load, List<QueuedMessage> messages)
    {
        if (load.Ids.Length > 0)
        {
            TakeReloaded(load.Ids, messages);
        }
        else
        {
            TakePage(messages, load.Committed);
        }
    }

    /// <summary>The read is over, whatever it brought.</summary>
    internal void EndLoad()
    {
        _isLoading = false;
        ForgetWithdrawn();
    }

    /// <summary>Takes messages out that are being deleted, of those that wait here or are still in the table only.</summary>
    /// <param name="page">Messages of the table.</param>
    /// <param name="held">Those that receivers hold.</param>
    internal List<QueuedMessage> Withdraw(List<QueuedMessage> page, HashSet<long> held)
    {
        var waiting = _window.Select(static message => message.Id).Concat(_returned.UnorderedItems.Select(static item => item.Element.Id)).Concat(_reload).ToHashSet();
        var free = page.FindAll(message => !held.Contains(message.Id) && (waiting.Contains(message.Id) || message.Id > _loadedUpTo));
        if (free.Count > 0)
        {
            var ids = free.Select(static message => message.Id).ToHashSet();
            _stored -= free.Count(message => message.Id > _loadedUpTo && message.Id <= _committedUpTo);
            Retain(message => !ids.Contains(message.Id));
            _reload.RemoveAll(ids.Contains);
            _withdrawn.UnionWith(ids);
        }

        return free;
    }

    /// <summary>The deletion of messages that were taken out is durable.</summary>
    internal void EndWithdrawal(IEnumerable<long> ids)
    {
        _withdrawnBefore.AddRange(ids);
        ForgetWithdrawn();
    }

    private void TakeReloaded(long[] asked, List<QueuedMessage> messages)
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

    private void TakePage(List<QueuedMessage> page, long committedBefore)
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

            Add(message);
            if (message.Id <= _committedUpTo)
            {
                _stored--;
            }
        }
    }

    private void Add(QueuedMessage message)
    {
        _window.Enqueue(message);
        _bytes += message.Size;
        _loadedUpTo = message.Id;
    }

    private void Retain(Func<QueuedMessage, bool> stays)
    {
        QueuedMessage[] window = [.. _window.Where(stays)];
        _window.Clear();
        _bytes = 0;
        foreach (var message in window)
        {
            _window.Enqueue(message);
            _bytes += message.Size;
        }

        (QueuedMessage, long)[] returned = [.. _returned.UnorderedItems.Where(item => stays(item.Element))];
        _returned.Clear();
        _returned.EnqueueRange(returned);
    }

    // A page that is read from now on has them no more.
    private void ForgetWithdrawn()
    {
        if (!_isLoading)
        {
            _withdrawn.ExceptWith(_withdrawnBefore);
            _withdrawnBefore.Clear();
        }
    }
}

/// <summary>A read from the table.</summary>
/// <param name="Ids">The messages that came back without their bytes; empty for the next page.</param>
/// <param name="After">The page begins after this message.</param>
/// <param name="Committed">The last message that was durable when the read began.</param>
internal sealed record WindowLoad(long[] Ids, long After, long Committed);
