using AiPlatform.Tracking.Runs;

namespace AiPlatform.Tracking.Search;

/// <summary>What one kind of search knows: its kinds of entities, its attributes and which of them are numbers.</summary>
/// <param name="Kinds">What identifiers may name.</param>
/// <param name="Attributes">From the names in filters, aliases included, to the attribute.</param>
/// <param name="Numeric">Attributes that are numbers.</param>
/// <param name="Lists">Attributes that take IN.</param>
internal sealed record SearchDialect(
    IReadOnlySet<EntityKind> Kinds, IReadOnlyDictionary<string, string> Attributes, IReadOnlySet<string> Numeric, IReadOnlySet<string> Lists)
{
    /// <summary>Runs.</summary>
    public static SearchDialect Runs { get; } = new(
        new HashSet<EntityKind> { EntityKind.Attribute, EntityKind.Metric, EntityKind.Param, EntityKind.Tag, EntityKind.Dataset },
        Names("run_id", "run_name", "status", "artifact_uri", "user_id", "start_time", "end_time", "experiment_id",
            ("created", "start_time"), ("Created", "start_time"), ("run name", "run_name"), ("Run name", "run_name"), ("Run Name", "run_name"), ("run_uuid", "run_id"), ("Run ID", "run_id")),
        Set("start_time", "end_time"),
        Set("run_id"));

    /// <summary>Experiments.</summary>
    public static SearchDialect Experiments { get; } = new(
        new HashSet<EntityKind> { EntityKind.Attribute, EntityKind.Tag },
        Names("name", "creation_time", "last_update_time", "experiment_id"),
        Set("creation_time", "last_update_time"),
        Set());

    /// <summary>Registered models.</summary>
    public static SearchDialect RegisteredModels { get; } = new(
        new HashSet<EntityKind> { EntityKind.Attribute, EntityKind.Tag },
        Names("name", "creation_timestamp", "last_updated_timestamp", ("timestamp", "last_updated_timestamp")),
        Set("creation_timestamp", "last_updated_timestamp"),
        Set());

    /// <summary>Model versions.</summary>
    public static SearchDialect ModelVersions { get; } = new(
        new HashSet<EntityKind> { EntityKind.Attribute, EntityKind.Tag },
        Names("name", "version_number", "run_id", "source_path", "creation_timestamp", "last_updated_timestamp", ("version", "version_number"), ("source", "source_path")),
        Set("version_number", "creation_timestamp", "last_updated_timestamp"),
        Set("run_id"));

    /// <summary>Logged models.</summary>
    public static SearchDialect LoggedModels { get; } = new(
        new HashSet<EntityKind> { EntityKind.Attribute, EntityKind.Metric, EntityKind.Param, EntityKind.Tag },
        Names("name", "model_id", "model_type", "status", "source_run_id", "experiment_id", "creation_time", "last_updated_time",
            ("creation_timestamp", "creation_time"), ("creation_timestamp_ms", "creation_time"), ("last_updated_timestamp", "last_updated_time"), ("last_updated_timestamp_ms", "last_updated_time")),
        Set("creation_time", "last_updated_time"),
        Set("name", "model_id", "model_type", "status", "source_run_id"));

    /// <summary>Evaluation datasets.</summary>
    public static SearchDialect EvaluationDatasets { get; } = new(
        new HashSet<EntityKind> { EntityKind.Attribute, EntityKind.Tag },
        Names("name", "created_time", "last_update_time", "created_by", "last_updated_by"),
        Set("created_time", "last_update_time"),
        Set());

    private static HashSet<string> Set(params string[] names) => names.ToHashSet(StringComparer.Ordinal);

    private static Dictionary<string, string> Names(params Name[] names) => names.ToDictionary(name => name.Written, name => name.Meant, StringComparer.Ordinal);

    private readonly record struct Name(string Written, string Meant)
    {
        public static implicit operator Name(string name) => new(name, name);

        public static implicit operator Name((string Written, string Meant) name) => new(name.Written, name.Meant);
    }
}
