using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Functions.Features.Datasets;

/// <summary>A row of <c>datasets</c> with the newest ready version.</summary>
internal sealed class DatasetRow
{
    public const string Columns = """
        d.id, d.project_id, d.name, d.description, d.created_at,
        (SELECT max(v.version) FROM dataset_versions v WHERE v.dataset_id = d.id AND v.status = 'ready') AS latest_version
        """;

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public int? LatestVersion { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public Dataset ToContract() => new(Id, ProjectId, Name, Description, LatestVersion, CreatedAt);
}

/// <summary>A row of <c>dataset_versions</c>.</summary>
internal sealed class DatasetVersionRow
{
    public const string Columns =
        "v.id, v.dataset_id, v.project_id, v.version, v.status, v.description, v.file_count, v.size_bytes, v.created_at, v.committed_at";

    public required string Id { get; init; }

    public required string DatasetId { get; init; }

    public required string ProjectId { get; init; }

    public int Version { get; init; }

    public DatasetVersionStatus Status { get; init; }

    public string? Description { get; init; }

    public int FileCount { get; init; }

    public long SizeBytes { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? CommittedAt { get; init; }

    public DatasetVersion ToContract() => new(Id, DatasetId, Version, Status, Description, FileCount, SizeBytes, CreatedAt, CommittedAt);
}

/// <summary>One file of a manifest.</summary>
internal sealed class DatasetFileRow
{
    public required string Path { get; init; }

    public long SizeBytes { get; init; }

    public required byte[] Sha256 { get; init; }

    /// <summary>The hash as the API spells it.</summary>
    public string Hex => Convert.ToHexStringLower(Sha256);
}
