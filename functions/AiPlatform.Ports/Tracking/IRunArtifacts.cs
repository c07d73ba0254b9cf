using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Tracking;

/// <summary>Artifacts of runs.</summary>
public interface IRunArtifacts
{
    /// <summary>An artifact by path; null when there is none.</summary>
    Task<Artifact?> FindAsync(UnitOfWork work, string runId, string path);

    /// <summary>The models that a run put out, oldest first.</summary>
    Task<IReadOnlyList<Artifact>> ModelsAsync(UnitOfWork work, string runId);

    /// <summary>An artifact by path with a URL that reads it; null when there is none.</summary>
    /// <param name="lifetime">How long the URL works.</param>
    Task<Artifact?> DownloadAsync(string runId, string path, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>A URL of bytes that were recorded under a path once; they are kept while a model version names them.</summary>
    /// <param name="sha256">64 lower-case hex digits.</param>
    Task<string> DownloadUrlAsync(string runId, string sha256, string path, CancellationToken cancellationToken);
}
