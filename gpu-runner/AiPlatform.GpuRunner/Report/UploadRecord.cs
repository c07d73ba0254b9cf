using System.Text.Json;
using System.Text.Json.Serialization;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;

namespace AiPlatform.GpuRunner.Report;

/// <summary>What waits in a spool to be sent to the run.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "is")]
[JsonDerivedType(typeof(MetricsRecord), "metrics")]
[JsonDerivedType(typeof(ParamsRecord), "params")]
[JsonDerivedType(typeof(TagsRecord), "tags")]
[JsonDerivedType(typeof(ResumeRecord), "resume")]
[JsonDerivedType(typeof(ArtifactRecord), "artifact")]
internal abstract record UploadRecord
{
    public byte[] Serialize() => JsonSerializer.SerializeToUtf8Bytes(this, ContractsJson.Tolerant);

    public static UploadRecord Deserialize(byte[] payload)
        => JsonSerializer.Deserialize<UploadRecord>(payload, ContractsJson.Tolerant) ?? throw new InvalidDataException("An empty record.");
}

/// <summary>Points with their numbers: the n-th has <paramref name="FirstSequence"/> + n at its source.</summary>
internal sealed record MetricsRecord(string Source, long FirstSequence, IReadOnlyList<MetricPoint> Points) : UploadRecord;

/// <summary>Parameters.</summary>
internal sealed record ParamsRecord(IReadOnlyDictionary<string, string> Values) : UploadRecord;

/// <summary>Tags.</summary>
internal sealed record TagsRecord(IReadOnlyDictionary<string, string> Values) : UploadRecord;

/// <summary>The attempt goes on from this step.</summary>
internal sealed record ResumeRecord(long Step) : UploadRecord;

/// <summary>A file; its bytes are in the node's folder until they are committed.</summary>
/// <param name="Content">File name in the node's folder of contents.</param>
internal sealed record ArtifactRecord(
    string Content, string Path, long Size, string Sha256, ArtifactKind Kind, long? Step, IReadOnlyDictionary<string, double>? Metrics) : UploadRecord
{
    /// <summary>Set when the file is a piece of media.</summary>
    public LogMediaRequest? Media { get; init; }
}
