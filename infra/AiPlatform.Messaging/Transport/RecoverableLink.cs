namespace AiPlatform.Messaging.Transport;

/// <summary>
/// Something that is opened on first use and opened again when it has closed: a connection, a link. An opening goes on when the
/// caller that began it stops waiting, so that callers with little patience find it open the next time.
/// </summary>
/// <param name="open">Opens it; its token ends after <paramref name="patience"/>, or when this is disposed of.</param>
/// <param name="isOpen">Whether it still is open.</param>
/// <param name="close">Closes it.</param>
/// <param name="patience">How long an opening may take.</param>
/// <param name="time">The clock of the patience.</param>
internal sealed class RecoverableLink<T>(Func<CancellationToken, Task<T>> open, Func<T, bool> isOpen, Func<T, Task> close, TimeSpan patience, TimeProvider time) : IAsyncDisposable
    where T : class
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private Task<T>? _opening;
    private bool _disposed;

    /// <summary>What is open now, or null.</summary>
    internal T? Current => Volatile.Read(ref _opening) is { IsCompletedSuccessfully: true } opened && isOpen(opened.Result) ? opened.Result : null;

    /// <summary>What is open, opened when necessary.</summary>
    /// <exception cref="TimeoutException">It could not be opened in time.</exception>
    /// <exception cref="OperationCanceledException">The caller waits no longer; the opening goes on.</exception>
    internal ValueTask<T> GetAsync(CancellationToken cancellationToken)
    {
        if (Current is { } ready)
        {
            return new(ready);
        }

        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_opening is null || (_opening.IsCompleted && Current is null))
            {
                _opening = OpenAsync();
            }

            return new(_opening.WaitAsync(cancellationToken));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task<T>? opening;
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            opening = _opening;
        }

        await _stop.CancelAsync();
        if (opening is not null)
        {
            await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (Current is { } current)
            {
                await close(current);
            }
        }

        _stop.Dispose();
    }

    // Off the caller's stack, which holds the lock.
    private Task<T> OpenAsync() => Task.Run(async () =>
    {
        using var timeout = new CancellationTokenSource(patience, time);
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _stop.Token);
        try
        {
            return await open(attempt.Token);
        }
        catch (OperationCanceledException exception) when (timeout.IsCancellationRequested)
        {
            throw new TimeoutException($"It was not opened within {patience}.", exception);
        }
    });
}
