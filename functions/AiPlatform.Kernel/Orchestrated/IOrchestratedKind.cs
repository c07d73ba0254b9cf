using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Orchestrated;

/// <summary>
/// A kind of resource that an orchestration of the same id carries to its end. Register with
/// <c>services.AddSingleton&lt;IOrchestratedKind, T&gt;()</c>: the sweep then ends what has no living orchestration.
/// </summary>
public interface IOrchestratedKind
{
    /// <summary>The orchestrator's name.</summary>
    string Orchestration { get; }

    /// <summary>Resources that have not ended, whose start has been delivered, by id.</summary>
    /// <param name="after">Only those behind this id; null for the first.</param>
    /// <param name="before">Only those that were made before.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    Task<IReadOnlyList<LiveResource>> ListLiveAsync(string? after, DateTimeOffset before, int limit, CancellationToken cancellationToken);

    /// <summary>Ends a resource whose orchestration is no more: as cancelled when that was asked for, else as failed. One that has ended stays as it is.</summary>
    Task EndAsync(string id, string reason, CancellationToken cancellationToken);
}
