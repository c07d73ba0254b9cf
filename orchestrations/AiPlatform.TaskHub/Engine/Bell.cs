namespace AiPlatform.TaskHub.Engine;

/// <summary>Wakes a loop that waits for something to do; rung often, it is heard once. Rung and disposed of under the engine's lock.</summary>
internal sealed class Bell : IDisposable
{
    private readonly SemaphoreSlim _rung = new(0, 1);
    private bool _isDisposed;

    public void Ring()
    {
        if (!_isDisposed && _rung.CurrentCount == 0)
        {
            _rung.Release();
        }
    }

    /// <summary>Ends when it was rung, or after the given time.</summary>
    public Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken) => _rung.WaitAsync(longest, cancellationToken);

    public void Dispose()
    {
        _isDisposed = true;
        _rung.Dispose();
    }
}
