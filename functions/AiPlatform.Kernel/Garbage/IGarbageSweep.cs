using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Garbage;

/// <summary>
/// Deletes garbage that lies outside of the platform's own containers. Register one with
/// <c>services.AddSingleton&lt;IGarbageSweep, T&gt;()</c>; each round calls it after all sources have released what they had.
/// </summary>
public interface IGarbageSweep
{
    /// <summary>Deletes some of what is due and counts it in the round's report. A bounded number; safe when several instances do it at once.</summary>
    Task SweepAsync(GarbageRound round, DateTimeOffset due, CancellationToken cancellationToken);

    /// <summary>Folders outside of the containers that wait, and how many of them could not be deleted so far.</summary>
    Task<(long Waiting, long Failing)> CountFoldersAsync(CancellationToken cancellationToken) => Task.FromResult((0L, 0L));
}
