using AiPlatform.Ports.Identity;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Registry.Models;

/// <summary>A row of <c>models</c> as MLflow's clients see it.</summary>
internal sealed class RegisteredModelRow
{
    public const string Columns = "m.id, m.name, m.description, m.tags::text AS tags, m.created_at, m.updated_at";

    public required string Id { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public required string Tags { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A row of <c>model_versions</c> as MLflow clients see it.</summary>
internal sealed class VersionRow
{
    public const string Select = $"""
        SELECT v.id, v.model_id, m.name, v.version, v.description, v.stage, v.tags::text AS tags, v.run_id, v.foreign_run_id, v.run_link, v.logged_model_id, v.created_at, v.updated_at,
               coalesce(v.source, 'mlflow-artifacts:/' || e.mlflow_id || '/' || v.run_id || '/artifacts/' || v.artifact_path) AS source, v.storage_location,
               (SELECT array_agg(a.alias ORDER BY a.alias) FROM model_aliases a WHERE a.model_id = v.model_id AND a.version = v.version) AS aliases, u.user_name
        FROM model_versions v JOIN models m ON m.id = v.model_id LEFT JOIN {TrackingRelations.Runs} r ON r.id = v.run_id
        LEFT JOIN {TrackingRelations.Experiments} e ON e.id = r.experiment_id LEFT JOIN {IdentityRelations.Users} u ON u.id = v.created_by
        """;

    public required string Id { get; init; }

    public required string ModelId { get; init; }

    public required string Name { get; init; }

    public int Version { get; init; }

    public string? Description { get; init; }

    public required string Stage { get; init; }

    public required string Tags { get; init; }

    public string? RunId { get; init; }

    /// <summary>A run that is not known here: the registry stands apart from the tracking server, or the version was copied between servers.</summary>
    public string? ForeignRunId { get; init; }

    public string? RunLink { get; init; }

    public string? LoggedModelId { get; init; }

    public string? Source { get; init; }

    /// <summary>Where the files are when the source is another version or a logged model.</summary>
    public string? StorageLocation { get; init; }

    public string[]? Aliases { get; init; }

    public string? UserName { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }
}
