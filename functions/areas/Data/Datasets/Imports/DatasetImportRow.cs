using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Data.Datasets.Imports;

/// <summary>A row of <c>dataset_imports</c>.</summary>
internal sealed class DatasetImportRow
{
    public const string Columns = """
        i.id, i.project_id, i.dataset_id, i.request::text AS request, i.secret, i.source, i.status, i.code, i.arguments, i.source_tag, i.done_bytes, i.total_bytes,
        i.version, i.created_at, i.started_at, i.ended_at
        """;

    public required string Id { get; init; }

    public required string ProjectId { get; init; }

    public required string DatasetId { get; init; }

    public required string Request { get; init; }

    public byte[]? Secret { get; init; }

    public required string Source { get; init; }

    public DatasetImportStatus Status { get; init; }

    public string? Code { get; init; }

    public string[] Arguments { get; init; } = [];

    public string? SourceTag { get; init; }

    public long DoneBytes { get; init; }

    public long? TotalBytes { get; init; }

    public int? Version { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    public CreateDatasetImportRequest ReadRequest() => JsonSerializer.Deserialize<CreateDatasetImportRequest>(Request, ContractsJson.Tolerant)!;

    public DatasetImport ToContract(bool chinese) => new(
        Id, ProjectId, DatasetId, Source, Status, Code, Code is null ? null : ErrorCatalog.Message($"import.{Code}", chinese, [.. Arguments]), DoneBytes, TotalBytes, Version,
        CreatedAt, StartedAt, EndedAt);
}
