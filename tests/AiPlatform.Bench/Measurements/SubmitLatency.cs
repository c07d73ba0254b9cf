using AiPlatform.Bench.Platform;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Projects;

namespace AiPlatform.Bench.Measurements;

/// <summary>From the submission of a job to its first rank process, on an idle platform. Target: p50 under 1 s, p95 under 2 s.</summary>
internal static class SubmitLatency
{
    private const int Jobs = 30;

    public static async Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        var project = $"bench-{Guid.NewGuid():N}"[..30];
        await platform.Api.CreateProjectAsync(new CreateProjectRequest(project), cancellationToken);
        var request = new SubmitJobRequest(
            Name: "noop", Code: new JobCode("main.py", new Dictionary<string, string>(StringComparer.Ordinal) { ["main.py"] = "print('started')\n" }));
        var started = new List<double>(Jobs);
        var ended = new List<double>(Jobs);
        for (var i = 0; i < Jobs; i++)
        {
            var begin = DateTimeOffset.UtcNow;
            var submission = await platform.Api.SubmitJobAsync(project, request, cancellationToken);
            var job = submission.Job;
            while (job.Status is not (JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled))
            {
                await Task.Delay(50, cancellationToken);
                job = await platform.Api.GetJobAsync(job.Id, cancellationToken);
            }

            if (job.Status != JobStatus.Succeeded)
            {
                throw new InvalidOperationException($"Job {job.Id} ended as {job.Status}: {job.Reason}");
            }

            started.Add((job.Attempts[0].Nodes[0].StartedAt!.Value - begin).TotalMilliseconds);
            ended.Add((job.EndedAt!.Value - begin).TotalMilliseconds);
        }

        return new
        {
            submitToFirstRankMilliseconds = Percentiles.Of(started),
            submitToEndMilliseconds = Percentiles.Of(ended),
            targetP50Milliseconds = 1000,
            targetP95Milliseconds = 2000,
        };
    }
}
