using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Tracking;

/// <summary>Summaries of the metrics of runs.</summary>
public interface IRunMetrics
{
    /// <summary>Brings the summaries of these runs up to date with what was logged before this call.</summary>
    Task EnsureAsync(IReadOnlyCollection<string> runIds, CancellationToken cancellationToken);
}
