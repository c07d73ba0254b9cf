namespace AiPlatform.Messaging.Transport;

/// <summary>Something that is opened on first use and opened again when it has closed: a connection, a link.</summary>
internal sealed class RecoverableLink<T>(Func<CancellationToken, Task<T>> open, Func<T, bool> isOpen, Func<T, Task> close) : IAsyncDisposable
    where T : class
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private T? _current;
    private bool _disposed;

    /// <summary>What is open now, or null.</summary>
    internal T? Current => Volatile.Read(ref _current) is { } current && isOpen(current) ? current : null;

    internal async ValueTask<T> GetAsync(CancellationToken cancellationToken)
    {
        if (Current is { } ready)
        {
            return ready;
        }

        await _gate.WaitAsync(cancellationToken);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (Current is { } opened)
            {
                return opened;
            }

            var fresh = await open(cancellationToken);
            Volatile.Write(ref _current, fresh);
            return fresh;
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync();
        try
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            if (Current is { } current)
            {
                await close(current);
            }
        }
        finally
        {
            _gate.Release();
        }
    }
}
