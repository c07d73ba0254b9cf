namespace AiPlatform.DurableTask.Worker;

/// <summary>Whether a worker is connected to its hub; for health checks. A service, one for each worker that was added.</summary>
/// <param name="hub">The hub, as people name it.</param>
public sealed class DurableTaskWorkerStatus(string hub)
{
    private volatile string? _reason = "It has not connected yet.";

    /// <summary>The hub, as people name it.</summary>
    public string Hub { get; } = hub;

    /// <summary>Whether work items can arrive.</summary>
    public bool IsConnected => _reason is null;

    /// <summary>Why the worker is not connected; null when it is.</summary>
    public string? Reason => _reason;

    internal void Connected() => _reason = null;

    internal void Lost(string reason) => _reason = reason;
}
