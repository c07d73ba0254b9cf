using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Metrics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tracking.Runs;

/// <summary>Routes of one run: what it is, what it logs.</summary>
internal static class RunEndpoints
{
    /// <summary>1,000 points with the longest keys.</summary>
    private const long MaxBatchBytes = 4 * 1024 * 1024;

    /// <summary>Maps the routes below a run.</summary>
    public static void Map(RouteGroupBuilder run)
    {
        run.MapGet("/", GetAsync).RequireAction(TrackingActions.ReadRun)
            .Describe("getRun", "Get a run with its params, tags and latest metrics");
        run.MapGet("/attempts", ListAttemptsAsync).RequireAction(TrackingActions.ReadRun)
            .Describe("listRunAttempts", "The attempts as segments of the run: which wrote which steps");
        run.MapPatch("/", UpdateAsync).RequireAction(TrackingActions.WriteRun)
            .Describe("updateRun", "Rename or end a run");
        run.MapDelete("/", DeleteAsync).RequireAction(TrackingActions.DeleteRun)
            .Describe("deleteRun", "Delete a run");
        run.MapPost("/restore", RestoreAsync).RequireAction(TrackingActions.WriteRun)
            .Describe("restoreRun", "Restore a deleted run");
        run.MapPost("/metrics", LogMetricsAsync).RequireAction(TrackingActions.LogRun).WithBodyLimit(MaxBatchBytes)
            .Describe("logMetrics", "Store a batch of points, each exactly once");
        run.MapGet("/metrics", ListPointsAsync).RequireAction(TrackingActions.ReadRun)
            .Describe("listMetricPoints", "List the points of one metric by step");
        run.MapGet("/metrics/completeness", GetCompletenessAsync).RequireAction(TrackingActions.ReadRun)
            .Describe("getMetricsCompleteness", "Whether every numbered point has been stored");
        run.MapPost("/params", LogParamsAsync).RequireAction(TrackingActions.LogRun)
            .Describe("logParams", "Set parameters, which never change");
        run.MapPost("/tags", SetTagsAsync).RequireAction(TrackingActions.LogRun)
            .Describe("setTags", "Set tags; the last write wins");
        run.MapPost("/attempts/{attempt:int}/resume", ResumeAsync).RequireAction(TrackingActions.LogRun)
            .Describe("resumeAttempt", "Say from which step an attempt goes on");
    }

    private static async Task<Ok<Run>> GetAsync(
        Reached<RunRow> run, RunStore runs, AttemptReader attempts, CancellationToken cancellationToken)
    {
        var complete = (await runs.CompleteAsync([run.Value], cancellationToken))[0];
        return TypedResults.Ok(await attempts.HasSeveralAsync(run.Value, cancellationToken) ? complete with { Attempts = await attempts.ReadAsync(run.Value, cancellationToken) } : complete);
    }

    private static async Task<Ok<IReadOnlyList<RunAttempt>>> ListAttemptsAsync(
        Reached<RunRow> run, AttemptReader attempts, CancellationToken cancellationToken)
    {
        return TypedResults.Ok(await attempts.ReadAsync(run.Value, cancellationToken));
    }

    private static async Task<Ok<Run>> UpdateAsync(
        Reached<RunRow> run, UpdateRunRequest request, RunStore runs, CancellationToken cancellationToken)
    {
        if (request.Name is not null)
        {
            Check.Length(request.Name, "name", 1, 250);
        }

        var row = await runs.UpdateAsync(run.Id, request, cancellationToken);
        return TypedResults.Ok((await runs.CompleteAsync([row], cancellationToken))[0]);
    }

    private static async Task<NoContent> DeleteAsync(string run, Caller caller, RunAccess access, RunStore runs, CancellationToken cancellationToken)
    {
        var row = await access.RequireAsync(run, caller, cancellationToken, deleted: true);
        await runs.SetDeletedAsync(row.Id, deleted: true, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Run>> RestoreAsync(string run, Caller caller, RunAccess access, RunStore runs, CancellationToken cancellationToken)
    {
        var row = await access.RequireAsync(run, caller, cancellationToken, deleted: true);
        await runs.SetDeletedAsync(row.Id, deleted: false, cancellationToken);
        return TypedResults.Ok((await runs.CompleteAsync([row], cancellationToken))[0]);
    }

    private static async Task<Ok<LogMetricsResponse>> LogMetricsAsync(
        Reached<RunRow> run, LogMetricsRequest request, Caller caller, MetricWriter writer, IOptions<ExperimentOptions> options,
        CancellationToken cancellationToken)
    {
        RunChecks.Points(request, options.Value);
        RequireOwnAttempt(caller, request.Attempt);
        var batch = MetricBatch.Numbered(
            new MetricSource(run.Id, request.Attempt, request.Source),
            request.FirstSequence,
            [.. request.Points.Select(point => new MetricRow(point.Key, point.Step, MetricRow.Microseconds(point.Timestamp), point.Value))]);
        await writer.AddAsync(batch, cancellationToken);
        return TypedResults.Ok(new LogMetricsResponse(batch.Stored, batch.NextSequence));
    }

    private static async Task<Ok<Page<MetricPoint>>> ListPointsAsync(
        Reached<RunRow> run, string key, string? attempts, [AsParameters] PageRequest page, MetricReader reader, CancellationToken cancellationToken)
    {
        Check.That(attempts is null or "all", "attempts", "oneOf", "all");
        Check.Length(key, "key", 1, 250);
        return TypedResults.Ok(await reader.ListAsync(run.Id, key, attempts is not null, page, cancellationToken));
    }

    private static async Task<Ok<MetricsCompleteness>> GetCompletenessAsync(
        Reached<RunRow> run, MetricReader reader, CancellationToken cancellationToken)
    {
        return TypedResults.Ok(await reader.CompletenessAsync(run.Id, cancellationToken));
    }

    private static async Task<NoContent> LogParamsAsync(
        Reached<RunRow> run, LogParamsRequest request, RunStore runs, IOptions<ExperimentOptions> options, CancellationToken cancellationToken)
    {
        RunChecks.Params(request.Params, options.Value);
        await runs.LogParamsAsync(run.Id, request.Params, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> SetTagsAsync(
        Reached<RunRow> run, SetTagsRequest request, RunStore runs, IOptions<ExperimentOptions> options, CancellationToken cancellationToken)
    {
        RunChecks.Tags(request.Tags, options.Value);
        await runs.SetTagsAsync(run.Id, request.Tags, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> ResumeAsync(
        Reached<RunRow> run, int attempt, ResumeRequest request, Caller caller, MetricWriter writer, CancellationToken cancellationToken)
    {
        Check.Range(attempt, "attempt", 1, int.MaxValue);
        Check.Range(request.Step, "step", -1, long.MaxValue);
        RequireOwnAttempt(caller, attempt);
        await writer.ResumeAsync(run.Id, attempt, request.Step, cancellationToken);
        return TypedResults.NoContent();
    }

    // A job's token is made for one attempt: an attempt that was given up cannot write into its successor.
    private static void RequireOwnAttempt(Caller caller, int attempt)
        => Check.That(caller.Role != CallerRole.Job || caller.Attempt == attempt, "attempt", "otherAttempt", caller.Attempt);
}
