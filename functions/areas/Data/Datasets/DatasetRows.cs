using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets;

/// <summary>A row of <c>datasets</c> with the newest ready version.</summary>
internal sealed class DatasetRow : IReachable
{
    public const string Columns = """
        d.id, d.project_id, d.name, d.description, d.tags::text AS tags, d.row_version, d.created_at,
        (SELECT max(v.version) FROM dataset_versions v WHERE v.dataset_id = d.id AND v.status = 'ready' AND v.deleted_at IS NULL) AS latest_version
        """;

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public required string Tags { get; init; }

    public long RowVersion { get; init; }

    public int? LatestVersion { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public Dataset ToContract() => new(Id, ProjectId, Name, Description, LatestVersion, CreatedAt, DatasetTags.FromJson(Tags));
}

/// <summary>A row of <c>dataset_versions</c>.</summary>
internal sealed class DatasetVersionRow : IReachable
{
    public const string Columns = """
        v.id, v.dataset_id, v.project_id, v.version, v.status, v.description, v.file_count, v.size_bytes, v.stored_bytes, v.parent, v.tags::text AS tags,
        v.row_version, v.created_at, v.committed_at, v.deleted_at, v.purged_at
        """;

    public required string Id { get; init; }

    public required string DatasetId { get; init; }

    public required string ProjectId { get; init; }

    public int Version { get; init; }

    public DatasetVersionStatus Status { get; init; }

    public string? Description { get; init; }

    public int FileCount { get; init; }

    public long SizeBytes { get; init; }

    public long StoredBytes { get; init; }

    public int? Parent { get; init; }

    public required string Tags { get; init; }

    public long RowVersion { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? CommittedAt { get; init; }

    public DateTimeOffset? DeletedAt { get; init; }

    public DateTimeOffset? PurgedAt { get; init; }

    /// <summary>The version itself, when its files are verified.</summary>
    /// <exception cref="ApiException">409 <c>illegal_transition</c>.</exception>
    public DatasetVersionRow RequireReady()
        => Status == DatasetVersionStatus.Ready ? this : throw ApiException.IllegalTransition("datasetVersion", Status.ToText(), DatasetVersionStatus.Ready.ToText());

    // Of a draft only a part may be stored yet: its figures come with the commit.
    public DatasetVersion ToContract() => new(
        Id, DatasetId, Version, Status, Description, FileCount, SizeBytes, CreatedAt, CommittedAt,
        Status == DatasetVersionStatus.Ready ? StoredBytes : 0, Status == DatasetVersionStatus.Ready ? Math.Max(SizeBytes - StoredBytes, 0) : 0,
        Parent, DatasetTags.FromJson(Tags), DeletedAt);
}

/// <summary>One file of a manifest.</summary>
internal sealed class DatasetFileRow
{
    public required string Path { get; init; }

    public long SizeBytes { get; init; }

    public required byte[] Sha256 { get; init; }

    /// <summary>In a manifest that a client sent: the chunks, where it gave them.</summary>
    public IReadOnlyList<Chunk>? Chunks { get; init; }

    /// <summary>The hash as the API spells it.</summary>
    public string Hex => Convert.ToHexStringLower(Sha256);
}
