namespace AiPlatform.Registry.Webhooks;

/// <summary>A row of <c>webhooks</c>.</summary>
internal sealed record WebhookRow
{
    public const string Columns = "id, project_id, name, description, url, events, secret, status, created_at, updated_at";

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public required string Url { get; init; }

    /// <summary>Such as <c>model_version.created</c>.</summary>
    public required string[] Events { get; init; }

    /// <summary>Encrypted; null when deliveries are not signed.</summary>
    public byte[]? Secret { get; init; }

    /// <summary><c>ACTIVE</c> or <c>DISABLED</c>.</summary>
    public required string Status { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>What its secret is encrypted for.</summary>
    public static string Purpose(string id) => $"webhook:{id}";
}
