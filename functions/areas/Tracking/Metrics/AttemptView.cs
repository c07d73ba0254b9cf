using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Tracking.Metrics;

/// <summary>Attempt <paramref name="Attempt"/> of the run goes on after <paramref name="Step"/>.</summary>
internal sealed record ResumeRow(string RunId, int Attempt, long Step);

/// <summary>The default view of a run: points of an attempt after the step from which a later attempt went on are superseded.</summary>
internal sealed class AttemptView(IEnumerable<ResumeRow> resumes)
{
    private readonly ResumeRow[] _resumes = [.. resumes];

    /// <summary>Whether every point is in the view.</summary>
    public bool IsWhole => _resumes.Length == 0;

    /// <summary>The last step of the attempt that is in the view.</summary>
    public long LastStep(int attempt) => _resumes.Where(resume => resume.Attempt > attempt).Select(resume => resume.Step).DefaultIfEmpty(long.MaxValue).Min();

    /// <summary>The views of runs.</summary>
    public static async Task<Func<string, AttemptView>> ReadAsync(UnitOfWork work, string[] runs)
    {
        var rows = (await work.QueryAsync<ResumeRow>(
            "SELECT run_id AS \"RunId\", attempt AS \"Attempt\", step AS \"Step\" FROM run_resumes WHERE run_id = ANY(@runs)", new { runs }))
            .ToLookup(row => row.RunId, StringComparer.Ordinal);
        var views = runs.Distinct(StringComparer.Ordinal).ToDictionary(run => run, run => new AttemptView(rows[run]), StringComparer.Ordinal);
        return run => views[run];
    }
}
