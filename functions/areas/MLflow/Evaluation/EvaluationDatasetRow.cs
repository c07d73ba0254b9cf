namespace AiPlatform.MLflow.Evaluation;

/// <summary>A row of <c>evaluation_datasets</c>.</summary>
internal sealed class EvaluationDatasetRow
{
    public const string Columns = "d.id, d.name, d.tags::text AS tags, d.schema, d.profile, d.digest, d.created_by, d.updated_by, d.created_at, d.updated_at";

    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>A JSON object of texts.</summary>
    public required string Tags { get; init; }

    /// <summary>JSON.</summary>
    public string? Schema { get; init; }

    /// <summary>JSON.</summary>
    public string? Profile { get; init; }

    public required string Digest { get; init; }

    public string? CreatedBy { get; init; }

    public string? UpdatedBy { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }
}
