namespace AiPlatform.Kernel.Postgres;

/// <summary>Whether the database is there and migrated. The process answers its landing page and health before that.</summary>
public sealed class StartupState
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether requests that need the database can be served.</summary>
    public bool IsReady => _ready.Task.IsCompleted;

    /// <summary>Waits for readiness.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _ready.Task.WaitAsync(cancellationToken);

    /// <summary>Announces readiness; it stays.</summary>
    public void SetReady() => _ready.TrySetResult();
}
