using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Data;

namespace AiPlatform.Data.Quality;

/// <summary>The one rule by which reports decide about versions: the newest that succeeded counts; a block that somebody took the responsibility for is none.</summary>
internal sealed class DatasetQualityRule : IDatasetQuality
{
    private const string Newest = """
        SELECT DISTINCT ON (r.version_id) r.version_id, r.id, r.score,
               coalesce(r.blocked, false) AND NOT EXISTS (SELECT 1 FROM quality_overrides o WHERE o.report_id = r.id) AS blocked
        FROM quality_reports r WHERE r.version_id = ANY(@versions) AND r.status = 'succeeded' ORDER BY r.version_id, r.id DESC
        """;

    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, DatasetQuality>> LatestAsync(UnitOfWork work, IReadOnlyCollection<string> versionIds)
        => (await work.QueryAsync<(string Version, string Report, double? Score, bool Blocked)>(Newest, new { versions = versionIds.ToArray() }))
            .ToDictionary(row => row.Version, row => new DatasetQuality(row.Report, row.Score, row.Blocked), StringComparer.Ordinal);

    /// <inheritdoc />
    public async Task RequireUsableAsync(UnitOfWork work, IReadOnlyCollection<string> versionIds)
    {
        var blocked = await work.FindAsync<string>(
            $"""
            SELECT d.name || '@' || v.version FROM ({Newest}) n JOIN dataset_versions v ON v.id = n.version_id JOIN datasets d ON d.id = v.dataset_id
            WHERE n.blocked ORDER BY 1 LIMIT 1
            """,
            new { versions = versionIds.ToArray() });
        if (blocked is not null)
        {
            throw new ApiException(ErrorCodes.DatasetBlocked, blocked);
        }
    }
}
