using System.Text.Json;

namespace AiPlatform.Contracts.Models;

/// <summary>A named line of model versions.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for, in the words of its author; null when nobody has said.</param>
/// <param name="LatestVersion">The newest version; null when there is none.</param>
/// <param name="CreatedAt">When it was created.</param>
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
/// <example>{"name": "digits", "description": "Reads a handwritten digit."}</example>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it is for, in the words of its author; null when nobody has said.</param>
public sealed record CreateModelRequest(string Name, string? Description = null);

/// <summary>Registers a version from an artifact of a run.</summary>
/// <example>
/// {"runId": "0198c7a4d2f17c5e8a3b6d9e0f124578", "artifactPath": "model.onnx", "metrics": {"accuracy": 0.97},
/// "description": "Five epochs."}
/// </example>
/// <param name="RunId">The source run.</param>
/// <param name="ArtifactPath">The model file among the run's artifacts.</param>
/// <param name="Metrics">Its quality, by metric.</param>
/// <param name="Description">What it is for, in the words of its author; null when nobody has said.</param>
/// <param name="Tags">Free words about the version.</param>
/// <param name="Signature">Inputs, outputs and parameters, in the form of MLflow's signatures; at most 100,000 characters. Null: as the model's <c>MLmodel</c> file says.</param>
/// <param name="InputExample">Any JSON that the model takes; at most 100,000 characters. Null: as the model's <c>MLmodel</c> file says.</param>
public sealed record CreateModelVersionRequest(
    string RunId, string ArtifactPath, IReadOnlyDictionary<string, double>? Metrics = null, string? Description = null,
    IReadOnlyDictionary<string, string>? Tags = null, JsonElement? Signature = null, JsonElement? InputExample = null);

/// <summary>One version of a model and where it came from.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ModelId">The registered model's id.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Version">The version's number, from 1.</param>
/// <param name="Description">What it is for, in the words of its author; null when nobody has said.</param>
/// <param name="ArtifactPath">The model file among the run's artifacts; null, like size and hash, for a version that was registered from elsewhere.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">SHA-256 of the content, 64 lower-case hex digits.</param>
/// <param name="Metrics">Its quality, by metric.</param>
/// <param name="Lineage">What it was made from.</param>
/// <param name="CreatedAt">When it was created.</param>
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
/// <param name="RunId">The run that made it; null for a version that was registered from elsewhere.</param>
/// <param name="ExperimentId">The experiment of the run.</param>
/// <param name="JobId">The job that drove the run; null where none did.</param>
/// <param name="DatasetVersions">The dataset versions that went in.</param>
public sealed record ModelLineage(string? RunId, string? ExperimentId, string? JobId, IReadOnlyList<DatasetVersionReference> DatasetVersions);

/// <summary>One dataset version that went into a model.</summary>
/// <param name="DatasetId">The dataset's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Version">The version's number, from 1.</param>
/// <param name="DatasetVersionId">The id of the dataset's version.</param>
public sealed record DatasetVersionReference(string DatasetId, string Name, int Version, string DatasetVersionId);
