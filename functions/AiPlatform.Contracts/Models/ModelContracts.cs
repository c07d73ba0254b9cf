using System.Text.Json;

namespace AiPlatform.Contracts.Models;

/// <summary>A named line of model versions.</summary>
public sealed record RegisteredModel(
    string Id, string ProjectId, string Name, string? Description, int? LatestVersion, DateTimeOffset CreatedAt)
{
    /// <summary>Free words about the model.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Names that point at versions.</summary>
    public IReadOnlyList<ModelAlias>? Aliases { get; init; }

    /// <summary>Counts the changes; the entity tag.</summary>
    public long Revision { get; init; }

    /// <summary>When it last changed.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }
}

/// <summary>Creates a registered model; the name is unique in its project.</summary>
public sealed record CreateModelRequest(string Name, string? Description = null);

/// <summary>Registers a version from an artifact of a run.</summary>
/// <param name="RunId">The source run.</param>
/// <param name="ArtifactPath">The model file among the run's artifacts.</param>
/// <param name="Tags">Free words about the version.</param>
/// <param name="Signature">Inputs, outputs and parameters, in the form of MLflow's signatures; at most 100,000 characters. Null: as the model's <c>MLmodel</c> file says.</param>
/// <param name="InputExample">Any JSON that the model takes; at most 100,000 characters. Null: as the model's <c>MLmodel</c> file says.</param>
public sealed record CreateModelVersionRequest(
    string RunId, string ArtifactPath, IReadOnlyDictionary<string, double>? Metrics = null, string? Description = null,
    IReadOnlyDictionary<string, string>? Tags = null, JsonElement? Signature = null, JsonElement? InputExample = null);

/// <summary>One version of a model and where it came from.</summary>
/// <param name="ArtifactPath">The model file among the run's artifacts; null, like size and hash, for a version that was registered from elsewhere.</param>
public sealed record ModelVersion(
    string Id, string ModelId, string ProjectId, string Name, int Version, string? Description, string? ArtifactPath, long? Size, string? Sha256,
    IReadOnlyDictionary<string, double> Metrics, ModelLineage Lineage, DateTimeOffset CreatedAt)
{
    /// <summary>Where the version stands.</summary>
    public ModelStage Stage { get; init; }

    /// <summary>Names that point at it.</summary>
    public IReadOnlyList<string>? Aliases { get; init; }

    /// <summary>Free words about the version.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Inputs, outputs and parameters; set when one version is asked for.</summary>
    public JsonElement? Signature { get; init; }

    /// <summary>What the model takes; set when one version is asked for.</summary>
    public JsonElement? InputExample { get; init; }

    /// <summary>Counts the changes; the entity tag.</summary>
    public long Revision { get; init; }

    /// <summary>When it last changed.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>A short-lived URL to read the model file; set when one version is asked for.</summary>
    public string? DownloadUrl { get; init; }
}

/// <summary>What a model version came from.</summary>
public sealed record ModelLineage(string? RunId, string? ExperimentId, string? JobId, IReadOnlyList<DatasetVersionReference> DatasetVersions);

/// <summary>One dataset version that went into a model.</summary>
public sealed record DatasetVersionReference(string DatasetId, string Name, int Version, string DatasetVersionId);
