using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Tracking.Artifacts;

/// <summary>A row of <c>artifacts</c>.</summary>
internal sealed class ArtifactRow
{
    public const string Columns = "a.id, a.run_id, a.path, a.kind, a.size_bytes, a.sha256, a.step, a.attempt, a.metrics, a.created_at";

    public required string Id { get; init; }

    public required string RunId { get; init; }

    public required string Path { get; init; }

    public ArtifactKind Kind { get; init; }

    public long SizeBytes { get; init; }

    public required byte[] Sha256 { get; init; }

    public long? Step { get; init; }

    public int? Attempt { get; init; }

    public string? Metrics { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public string Hex => Convert.ToHexStringLower(Sha256);

    /// <summary>The artifact's quality figures.</summary>
    public IReadOnlyDictionary<string, double>? MetricValues
        => Metrics is null ? null : JsonSerializer.Deserialize<Dictionary<string, double>>(Metrics, ContractsJson.Tolerant);

    /// <summary>Where the verified bytes are: the hash in the name keeps what a model version refers to when the path is written again.</summary>
    public string Blob => RunBlob.Name(RunId, Hex, Path);

    /// <summary>Where a client puts the bytes before the commit.</summary>
    public static string UploadName(string runId, string sha256, string path) => $"{runId}/uploads/{sha256}/{path}";

    public Artifact ToContract() => new(Path, SizeBytes, Hex, Kind, Step, MetricValues, Attempt, CreatedAt);
}
