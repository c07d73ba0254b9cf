using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Lineage;

/// <summary>Writes provenance in the transaction that makes it true.</summary>
internal sealed class LineageWriter(TimeProvider time)
{
    /// <summary>Records that <paramref name="target"/> came from <paramref name="source"/>; repeating it changes nothing.</summary>
    /// <param name="relation"><c>input</c>, <c>produced</c>, …</param>
    public Task AddAsync(UnitOfWork work, string projectId, LineageEnd source, LineageEnd target, string relation)
        => work.ExecuteAsync(
            """
            INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
            VALUES (@projectId, @fromKind, @fromId, @toKind, @toId, @relation, @now)
            ON CONFLICT DO NOTHING
            """,
            new
            {
                projectId,
                fromKind = source.Kind,
                fromId = source.Id,
                toKind = target.Kind,
                toId = target.Id,
                relation,
                now = time.GetUtcNow(),
            });
}

/// <summary>A thing in the lineage graph.</summary>
internal readonly record struct LineageEnd(string Kind, string Id)
{
    public const string DatasetVersionKind = "datasetVersion";
    public const string JobKind = "job";
    public const string RunKind = "run";
    public const string ModelVersionKind = "modelVersion";

    public static LineageEnd DatasetVersion(string id) => new(DatasetVersionKind, id);

    public static LineageEnd Job(string id) => new(JobKind, id);

    public static LineageEnd Run(string id) => new(RunKind, id);

    public static LineageEnd ModelVersion(string id) => new(ModelVersionKind, id);
}
