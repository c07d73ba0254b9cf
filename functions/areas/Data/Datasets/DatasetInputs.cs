using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Data;
using Dapper;

namespace AiPlatform.Data.Datasets;

/// <summary>Dataset versions as what jobs read.</summary>
internal sealed class DatasetInputs(Database database, ContentReader contents) : IDatasetInputs
{
    /// <inheritdoc />
    public async Task<IReadOnlyList<DatasetInput>> ResolveAsync(UnitOfWork work, string projectId, IReadOnlyList<JobDataset> datasets)
    {
        if (datasets.Count == 0)
        {
            return [];
        }

        var rows = await work.QueryAsync<VersionRow>(
            """
            SELECT sent.position, d.name, v.id AS version_id, v.version
            FROM unnest(@names, @versions) WITH ORDINALITY AS sent (name, version, position)
            JOIN datasets d ON d.project_id = @projectId AND d.deleted_at IS NULL AND (d.id = sent.name OR lower(d.name) = lower(sent.name))
            JOIN LATERAL (
                SELECT id, version FROM dataset_versions
                WHERE dataset_id = d.id AND status = 'ready' AND deleted_at IS NULL AND (sent.version IS NULL OR version = sent.version)
                ORDER BY version DESC LIMIT 1 FOR SHARE) v ON true
            ORDER BY sent.position
            """,
            new { projectId, names = datasets.Select(dataset => dataset.Dataset).ToArray(), versions = datasets.Select(dataset => dataset.Version).ToArray() });
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < datasets.Count; i++)
        {
            var row = rows.Find(candidate => candidate.Position == i + 1);
            if (row is null)
            {
                throw await MissingAsync(work, projectId, $"datasets[{i}]", datasets[i]);
            }

            Check.That(names.Add(row.Name), $"datasets[{i}]", "duplicate");
        }

        return rows.ConvertAll(row => new DatasetInput(row.Name, row.VersionId, row.Version));
    }

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, DatasetInputFiles>> DownloadsAsync(
        string projectId, IReadOnlyCollection<string> versionIds, string origin, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<FileRow>(new CommandDefinition(
            """
            SELECT v.id AS version_id, v.version, f.path, f.size_bytes, f.sha256
            FROM dataset_versions v JOIN dataset_files f ON f.version_id = v.id WHERE v.id = ANY(@ids) ORDER BY v.id, f.path
            """,
            new { ids = versionIds.ToArray() },
            cancellationToken: cancellationToken));
        var versions = new Dictionary<string, DatasetInputFiles>(StringComparer.Ordinal);
        foreach (var version in rows.GroupBy(static row => (row.VersionId, row.Version)))
        {
            var files = await contents.DownloadsAsync(projectId, [.. version.Select(static row => row.ToFile())], origin, lifetime, cancellationToken);
            versions.Add(version.Key.VersionId, new DatasetInputFiles(version.Key.Version, files));
        }

        return versions;
    }

    private static async Task<ApiException> MissingAsync(UnitOfWork work, string projectId, string field, JobDataset dataset)
    {
        var exists = await work.SingleAsync<bool>(
            "SELECT EXISTS (SELECT 1 FROM datasets WHERE project_id = @projectId AND deleted_at IS NULL AND (id = @Dataset OR lower(name) = lower(@Dataset)))",
            new { projectId, dataset.Dataset });
        return !exists ? ApiException.Invalid(field, "unknownDataset", dataset.Dataset)
            : dataset.Version is { } version ? ApiException.Invalid(field, "notReady", dataset.Dataset, version)
            : ApiException.Invalid(field, "noVersion", dataset.Dataset);
    }

    private sealed class VersionRow
    {
        public long Position { get; init; }

        public required string Name { get; init; }

        public required string VersionId { get; init; }

        public int Version { get; init; }
    }

    private sealed class FileRow
    {
        public required string VersionId { get; init; }

        public int Version { get; init; }

        public required string Path { get; init; }

        public long SizeBytes { get; init; }

        public required byte[] Sha256 { get; init; }

        public DatasetFileRow ToFile() => new() { Path = Path, SizeBytes = SizeBytes, Sha256 = Sha256 };
    }
}
