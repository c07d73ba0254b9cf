using System.Threading.Channels;

namespace AiPlatform.Hosting;

/// <summary>
/// Collects items from many callers and hands them to one writer in groups, so that one commit serves a whole group.
/// While a group is being written the next one collects; an item's task ends when its group is durable.
/// The queue is bounded: callers wait when the writer falls behind.
/// </summary>
/// <typeparam name="T">One item of work, written in the order in which it was added.</typeparam>
public sealed class GroupCommitWriter<T> : IAsyncDisposable
{
    private readonly Channel<Entry> _queue;
    private readonly Func<IReadOnlyList<T>, CancellationToken, Task> _write;
    private readonly int _maxGroup;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <param name="write">Writes one group in one transaction. When it throws, every item of the group fails with that exception.</param>
    /// <param name="maxGroup">The most items in a group.</param>
    /// <param name="capacity">The most items that wait; further callers wait for room.</param>
    public GroupCommitWriter(Func<IReadOnlyList<T>, CancellationToken, Task> write, int maxGroup = 256, int capacity = 8192)
    {
        _write = write;
        _maxGroup = maxGroup;
        _queue = Channel.CreateBounded<Entry>(new BoundedChannelOptions(capacity) { SingleReader = true });
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Adds an item; the task ends when the item is durable, or fails with the writer's exception.</summary>
    public async Task AddAsync(T item, CancellationToken cancellationToken = default)
    {
        var entry = new Entry(item, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await _queue.Writer.WriteAsync(entry, cancellationToken).ConfigureAwait(false);
        await entry.Done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes what has been added, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var group = new List<Entry>(_maxGroup);
        var items = new List<T>(_maxGroup);
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (group.Count < _maxGroup && _queue.Reader.TryRead(out var entry))
            {
                group.Add(entry);
                items.Add(entry.Item);
            }

            try
            {
                await _write(items, _stop.Token).ConfigureAwait(false);
                group.ForEach(static entry => entry.Done.SetResult());
            }
            catch (Exception exception)
            {
                group.ForEach(entry => entry.Done.SetException(exception));
            }

            group.Clear();
            items.Clear();
        }
    }

    private readonly record struct Entry(T Item, TaskCompletionSource Done);
}
