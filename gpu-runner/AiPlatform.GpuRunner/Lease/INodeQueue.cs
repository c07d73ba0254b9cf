using AiPlatform.Contracts.Jobs;

namespace AiPlatform.GpuRunner.Lease;

/// <summary>Where nodes are offered.</summary>
internal interface INodeQueue
{
    /// <summary>The next node by priority, in peek-lock; null when none is there at the moment.</summary>
    Task<INodeLease?> TryReceiveAsync(CancellationToken cancellationToken);
}

/// <summary>A message under lock. The lock is renewed until the lease is settled or disposed of; a broker that is away ends nothing.</summary>
internal interface INodeLease : IAsyncDisposable
{
    /// <summary>What is offered.</summary>
    NodeMessage Message { get; }

    /// <summary>The work is done, or somebody else's: the message goes.</summary>
    Task CompleteAsync(CancellationToken cancellationToken);

    /// <summary>Another runner shall have it.</summary>
    Task AbandonAsync(CancellationToken cancellationToken);
}
