using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Data;

namespace AiPlatform.Data.Datasets;

/// <summary>Versions of datasets, for other areas.</summary>
internal sealed class DatasetVersions : IDatasetVersions
{
    /// <inheritdoc />
    public async Task<IReadOnlyList<string?>> FindReadyAsync(UnitOfWork work, string projectId, IReadOnlyList<DatasetVersionName> names)
        => names.Count == 0 ? [] : await work.QueryAsync<string?>(
            """
            SELECT found.id FROM unnest(@datasets, @versions) WITH ORDINALITY AS n (dataset, version, position)
            LEFT JOIN LATERAL (
                SELECT v.id FROM datasets d JOIN dataset_versions v ON v.dataset_id = d.id
                WHERE d.project_id = @projectId AND d.deleted_at IS NULL AND lower(d.name) = lower(n.dataset)
                  AND v.status = 'ready' AND (n.version IS NULL OR v.version = n.version)
                ORDER BY v.version DESC LIMIT 1) found ON true
            ORDER BY n.position
            """,
            new { projectId, datasets = names.Select(static name => name.Dataset).ToArray(), versions = names.Select(static name => name.Version).ToArray() });
}
