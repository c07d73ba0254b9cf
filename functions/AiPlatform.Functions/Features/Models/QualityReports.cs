using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Models;

/// <summary>Evidence from quality reports: the newest that succeeded counts; a block that somebody took the responsibility for is none.</summary>
internal sealed class QualityReports : IDatasetQuality
{
    /// <inheritdoc />
    public async Task<IReadOnlyDictionary<string, DatasetQuality>> LatestAsync(UnitOfWork work, IReadOnlyCollection<string> versionIds)
        => (await work.QueryAsync<(string Version, string Report, double? Score, bool Blocked)>(
            """
            SELECT DISTINCT ON (r.version_id) r.version_id, r.id, r.score,
                   coalesce(r.blocked, false) AND NOT EXISTS (SELECT 1 FROM quality_overrides o WHERE o.report_id = r.id)
            FROM quality_reports r WHERE r.version_id = ANY(@versions) AND r.status = 'succeeded' ORDER BY r.version_id, r.id DESC
            """,
            new { versions = versionIds.ToArray() }))
            .ToDictionary(row => row.Version, row => new DatasetQuality(row.Report, row.Score, row.Blocked), StringComparer.Ordinal);
}
