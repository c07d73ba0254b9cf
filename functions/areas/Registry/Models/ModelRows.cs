using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Registry.Models;

/// <summary>A row of <c>models</c>.</summary>
internal sealed class ModelRow : IReachable
{
    public const string Columns = """
        m.id, m.project_id, m.name, m.description, m.created_at, m.updated_at, m.revision, m.tags::text AS tags,
        (SELECT jsonb_object_agg(a.alias, a.version)::text FROM model_aliases a WHERE a.model_id = m.id) AS aliases,
        (SELECT max(v.version) FROM model_versions v WHERE v.model_id = m.id AND v.deleted_at IS NULL) AS latest_version
        """;

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public int? LatestVersion { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public long Revision { get; init; }

    public required string Tags { get; init; }

    /// <summary>From alias to version; null for none.</summary>
    public string? Aliases { get; init; }

    public RegisteredModel ToContract() => new(Id, ProjectId, Name, Description, LatestVersion, CreatedAt)
    {
        Tags = JsonSerializer.Deserialize<Dictionary<string, string>>(Tags, ContractsJson.Tolerant),
        Aliases = Aliases is null
            ? []
            : [.. JsonSerializer.Deserialize<Dictionary<string, int>>(Aliases, ContractsJson.Tolerant)!.OrderBy(alias => alias.Key, StringComparer.Ordinal).Select(alias => new ModelAlias(alias.Key, alias.Value))],
        Revision = Revision,
        UpdatedAt = UpdatedAt,
    };
}

/// <summary>A row of <c>model_versions</c> with the model's name and the run's experiment.</summary>
internal sealed class ModelVersionRow : IReachable
{
    public const string Select = $"SELECT {Columns} {From}";

    /// <summary>As <see cref="Select"/> with what is too large for lists.</summary>
    public const string SelectWhole = $"SELECT {Columns}, v.signature::text AS signature, v.input_example::text AS input_example {From}";

    private const string Columns = """
        v.id, v.model_id, v.project_id, m.name, v.version, v.description, v.run_id, r.experiment_id, v.job_id, v.artifact_path, v.size_bytes, v.sha256,
        v.metrics, v.created_at, v.stage, v.tags::text AS tags, v.revision, v.updated_at,
        (SELECT array_agg(a.alias ORDER BY a.alias) FROM model_aliases a WHERE a.model_id = v.model_id AND a.version = v.version) AS aliases
        """;

    private const string From = $"FROM model_versions v JOIN models m ON m.id = v.model_id LEFT JOIN {TrackingRelations.Runs} r ON r.id = v.run_id";

    public required string Id { get; init; }

    public required string ModelId { get; init; }

    public required string ProjectId { get; init; }

    public required string Name { get; init; }

    public int Version { get; init; }

    public string? Description { get; init; }

    public string? RunId { get; init; }

    public string? ExperimentId { get; init; }

    public string? JobId { get; init; }

    /// <summary>Null, like size and hash, for a version that an MLflow client registered from elsewhere.</summary>
    public string? ArtifactPath { get; init; }

    public long? SizeBytes { get; init; }

    public byte[]? Sha256 { get; init; }

    public required string Metrics { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public ModelStage Stage { get; init; }

    public required string Tags { get; init; }

    public string[]? Aliases { get; init; }

    public string? Signature { get; init; }

    public string? InputExample { get; init; }

    public long Revision { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public VersionPlace Place => new(ModelId, Name, ProjectId, Version);

    public CardOwner CardOwner => new(ModelId, Version);

    public string? Hex => Sha256 is null ? null : Convert.ToHexStringLower(Sha256);

    public ModelVersion ToContract(IEnumerable<ModelInputRow> inputs) => new(
        Id, ModelId, ProjectId, Name, Version, Description, ArtifactPath, SizeBytes, Hex,
        JsonSerializer.Deserialize<Dictionary<string, double>>(Metrics, ContractsJson.Tolerant)!,
        new ModelLineage(RunId, ExperimentId, JobId, [.. inputs.Select(input => new DatasetVersionReference(input.DatasetId, input.Name, input.Version, input.VersionId))]),
        CreatedAt)
    {
        Stage = Stage,
        Aliases = Aliases ?? [],
        Tags = JsonSerializer.Deserialize<Dictionary<string, string>>(Tags, ContractsJson.Tolerant),
        Signature = Json(Signature),
        InputExample = Json(InputExample),
        Revision = Revision,
        UpdatedAt = UpdatedAt,
    };

    private static JsonElement? Json(string? text) => text is null ? null : JsonSerializer.Deserialize<JsonElement>(text);
}

/// <summary>A dataset version that a model's job read.</summary>
internal sealed class ModelInputRow
{
    public required string JobId { get; init; }

    public required string DatasetId { get; init; }

    public required string Name { get; init; }

    public int Version { get; init; }

    public required string VersionId { get; init; }
}

/// <summary>What a model card belongs to.</summary>
/// <param name="ModelId">The model.</param>
/// <param name="Version">One of its versions, or <see cref="CardStore.OfModel"/>.</param>
internal sealed record CardOwner(string ModelId, int Version);
