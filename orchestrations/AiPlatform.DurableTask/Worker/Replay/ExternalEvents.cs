using P = AiPlatform.DurableTask.Protobuf;

namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>Events from outside: those that came before they were waited for, and the waits that came before their event.</summary>
internal sealed class ExternalEvents(DataConverter converter)
{
    private readonly Dictionary<string, Queue<P.HistoryEvent>> _received = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Queue<Waiter>> _waiting = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether anything is waited for.</summary>
    public bool IsAwaited => _waiting.Values.Any(queue => queue.Any(waiter => !waiter.IsDone));

    /// <summary>Events that nobody took, in the order in which they came for each name.</summary>
    public IEnumerable<P.HistoryEvent> Unprocessed => _received.Values.SelectMany(queue => queue);

    public void Receive(P.HistoryEvent item)
    {
        var name = item.EventRaised.Name;
        if (_waiting.TryGetValue(name, out var waiters))
        {
            while (waiters.TryDequeue(out var waiter))
            {
                if (!waiter.IsDone)
                {
                    waiter.Complete(item.EventRaised.Input);
                    return;
                }
            }
        }

        Queue(_received, name).Enqueue(item);
    }

    public Task<T> WaitAsync<T>(string name, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellationToken);
        }

        var waiter = new Waiter<T>(converter);
        if (_received.TryGetValue(name, out var events) && events.TryDequeue(out var item))
        {
            waiter.Complete(item.EventRaised.Input);
            return waiter.Task;
        }

        Queue(_waiting, name).Enqueue(waiter);
        if (cancellationToken.CanBeCanceled)
        {
            cancellationToken.Register(() => waiter.Cancel(cancellationToken));
        }

        return waiter.Task;
    }

    private static Queue<T> Queue<T>(Dictionary<string, Queue<T>> queues, string name)
    {
        if (!queues.TryGetValue(name, out var queue))
        {
            queues[name] = queue = new();
        }

        return queue;
    }

    private abstract class Waiter
    {
        public abstract bool IsDone { get; }

        public abstract void Complete(string? input);
    }

    private sealed class Waiter<T>(DataConverter converter) : Waiter
    {
        private readonly OpenTask<T> _task = new(string.Empty, 0, converter);

        public override bool IsDone => _task.Task.IsCompleted;

        public Task<T> Task => _task.Task;

        public override void Complete(string? input) => _task.Complete(input);

        public void Cancel(CancellationToken cancellationToken) => _task.Cancel(cancellationToken);
    }
}
