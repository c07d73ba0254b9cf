using AiPlatform.Contracts;
using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Quality;

/// <summary>Keeps versions that their newest report blocks out of use, unless somebody with the right took the responsibility.</summary>
internal static class QualityGate
{
    /// <summary>The newest report that succeeded decides about each version.</summary>
    private const string Blocked = """
        SELECT d.name || '@' || v.version FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
        JOIN LATERAL (
            SELECT r.id, r.blocked FROM quality_reports r WHERE r.version_id = v.id AND r.status = 'succeeded' ORDER BY r.id DESC LIMIT 1) newest ON newest.blocked
        WHERE v.id = ANY(@versions) AND NOT EXISTS (SELECT 1 FROM quality_overrides o WHERE o.report_id = newest.id)
        ORDER BY 1 LIMIT 1
        """;

    /// <summary>Passes when every version may be used.</summary>
    /// <exception cref="ApiException">409 <c>dataset_blocked</c> naming the first that may not.</exception>
    public static async Task RequireUsableAsync(UnitOfWork work, IEnumerable<string> versionIds)
    {
        if (await work.FindAsync<string>(Blocked, new { versions = versionIds.ToArray() }) is { } name)
        {
            throw new ApiException(ErrorCodes.DatasetBlocked, name);
        }
    }
}
