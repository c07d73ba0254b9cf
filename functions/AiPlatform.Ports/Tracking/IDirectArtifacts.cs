using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Tracking;

/// <summary>Artifacts that clients write by themselves, past the platform, below a root that both know.</summary>
public interface IDirectArtifacts
{
    /// <summary>Queues the folder of a run that this transaction purges. One elsewhere than below the root is its owner's.</summary>
    Task ReleaseAsync(UnitOfWork work, string runId);
}
