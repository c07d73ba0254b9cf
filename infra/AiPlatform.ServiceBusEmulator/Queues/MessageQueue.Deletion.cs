namespace AiPlatform.ServiceBusEmulator.Queues;

internal sealed partial class MessageQueue
{
    private const int DeletionPage = 500;

    // Being deleted, or deleted while a page was on its way from the table: that page may still have them.
    private readonly HashSet<long> _withdrawn = [];
    private readonly List<long> _withdrawnBefore = [];

    /// <summary>Deletes messages that can be delivered and that nobody holds, oldest first; says how many.</summary>
    /// <param name="count">The most that are deleted.</param>
    /// <param name="before">Only those that came before this moment.</param>
    /// <param name="cancellationToken">Ends the work between two pages.</param>
    internal async Task<int> DeleteAsync(int count, DateTime before, CancellationToken cancellationToken)
    {
        var deleted = 0;
        var after = 0L;
        while (deleted < count
            && await _store.ReadDeliverableAsync(_entity.Id, Part, _session?.Id, after, before, Math.Min(DeletionPage, count - deleted), cancellationToken) is { Count: > 0 } page)
        {
            after = page[^1].Id;
            if (Withdraw(page) is { Count: > 0 } withdrawn)
            {
                await Completion(withdrawn, "purged").WriteAsync(_writer);
                EndWithdrawal(withdrawn);
                deleted += withdrawn.Count;
            }
        }

        return deleted;
    }

    // Those that are neither locked nor settled since they were read leave memory, under locks that nobody has the tokens of.
    private List<MessageLock> Withdraw(List<QueuedMessage> page)
    {
        lock (_lock)
        {
            var held = _locks.Values.Select(static taken => taken.Message.Id).ToHashSet();
            var waiting = _window.Select(static message => message.Id)
                .Concat(_returned.UnorderedItems.Select(static item => item.Element.Id)).Concat(_reload).ToHashSet();
            var free = page.FindAll(message => !held.Contains(message.Id) && (waiting.Contains(message.Id) || message.Id > _loadedUpTo));
            if (free.Count == 0)
            {
                return [];
            }

            var ids = free.Select(static message => message.Id).ToHashSet();
            _stored -= free.Count(message => message.Id > _loadedUpTo && message.Id <= _committedUpTo);
            Retain(message => !ids.Contains(message.Id));
            _reload.RemoveAll(ids.Contains);
            _withdrawn.UnionWith(ids);
            var now = _time.GetUtcNow().UtcDateTime;
            return free.ConvertAll(message =>
            {
                var taken = LockMessage(message, now);
                taken.IsSettling = true;
                return taken;
            });
        }
    }

    private void Retain(Func<QueuedMessage, bool> stays)
    {
        QueuedMessage[] window = [.. _window.Where(stays)];
        _window.Clear();
        _windowBytes = 0;
        foreach (var message in window)
        {
            _window.Enqueue(message);
            _windowBytes += message.Size;
        }

        (QueuedMessage, long)[] returned = [.. _returned.UnorderedItems.Where(item => stays(item.Element))];
        _returned.Clear();
        _returned.EnqueueRange(returned);
    }

    private void EndWithdrawal(List<MessageLock> withdrawn)
    {
        lock (_lock)
        {
            _withdrawnBefore.AddRange(withdrawn.Select(static taken => taken.Message.Id));
            ForgetWithdrawn();
        }
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
