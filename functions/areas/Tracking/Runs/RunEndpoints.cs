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
        run.MapGet("/", GetAsync).RequirePermission(Permission.ReadRun)
            .WithOperationId("getRun").WithSummary("Get a run with its params, tags and latest metrics");
        run.MapGet("/attempts", ListAttemptsAsync).RequirePermission(Permission.ReadRun)
            .WithOperationId("listRunAttempts").WithSummary("The attempts as segments of the run: which wrote which steps");
        run.MapPatch("/", UpdateAsync).RequirePermission(Permission.Write)
            .WithOperationId("updateRun").WithSummary("Rename or end a run");
        run.MapDelete("/", DeleteAsync).RequirePermission(Permission.Write)
            .WithOperationId("deleteRun").WithSummary("Delete a run");
        run.MapPost("/restore", RestoreAsync).RequirePermission(Permission.Write)
            .WithOperationId("restoreRun").WithSummary("Restore a deleted run");
        run.MapPost("/metrics", LogMetricsAsync).RequirePermission(Permission.WriteRun).WithBodyLimit(MaxBatchBytes)
            .WithOperationId("logMetrics").WithSummary("Store a batch of points, each exactly once");
        run.MapGet("/metrics", ListPointsAsync).RequirePermission(Permission.ReadRun)
            .WithOperationId("listMetricPoints").WithSummary("List the points of one metric by step");
        run.MapGet("/metrics/completeness", GetCompletenessAsync).RequirePermission(Permission.ReadRun)
            .WithOperationId("getMetricsCompleteness").WithSummary("Whether every numbered point has been stored");
        run.MapPost("/params", LogParamsAsync).RequirePermission(Permission.WriteRun)
            .WithOperationId("logParams").WithSummary("Set parameters, which never change");
        run.MapPost("/tags", SetTagsAsync).RequirePermission(Permission.WriteRun)
            .WithOperationId("setTags").WithSummary("Set tags; the last write wins");
        run.MapPost("/attempts/{attempt:int}/resume", ResumeAsync).RequirePermission(Permission.WriteRun)
            .WithOperationId("resumeAttempt").WithSummary("Say from which step an attempt goes on");
    }

    private static async Task<Ok<Run>> GetAsync(
        string run, Caller caller, RunAccess access, RunStore runs, AttemptReader attempts, CancellationToken cancellationToken)
    {
        var row = await access.RequireAsync(run, caller, cancellationToken);
        var complete = (await runs.CompleteAsync([row], cancellationToken))[0];
        return TypedResults.Ok(await attempts.HasSeveralAsync(row, cancellationToken) ? complete with { Attempts = await attempts.ReadAsync(row, cancellationToken) } : complete);
    }

    private static async Task<Ok<IReadOnlyList<RunAttempt>>> ListAttemptsAsync(
        string run, Caller caller, RunAccess access, AttemptReader attempts, CancellationToken cancellationToken)
    {
        var row = await access.RequireAsync(run, caller, cancellationToken);
        return TypedResults.Ok(await attempts.ReadAsync(row, cancellationToken));
    }

    private static async Task<Ok<Run>> UpdateAsync(
        string run, UpdateRunRequest request, Caller caller, RunAccess access, RunStore runs, CancellationToken cancellationToken)
    {
        if (request.Name is not null)
        {
            Check.Length(request.Name, "name", 1, 250);
        }

        var row = await access.RequireAsync(run, caller, cancellationToken);
        row = await runs.UpdateAsync(row.Id, request, cancellationToken);
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
        string run, LogMetricsRequest request, Caller caller, RunAccess access, MetricWriter writer, IOptions<ExperimentOptions> options,
        CancellationToken cancellationToken)
    {
        RunChecks.Points(request, options.Value);
        var row = await access.RequireAsync(run, caller, cancellationToken);
        RequireOwnAttempt(caller, request.Attempt);
        var batch = MetricBatch.Numbered(
            new MetricSource(row.Id, request.Attempt, request.Source),
            request.FirstSequence,
            [.. request.Points.Select(point => new MetricRow(point.Key, point.Step, MetricRow.Microseconds(point.Timestamp), point.Value))]);
        await writer.AddAsync(batch, cancellationToken);
        return TypedResults.Ok(new LogMetricsResponse(batch.Stored, batch.NextSequence));
    }

    private static async Task<Ok<Page<MetricPoint>>> ListPointsAsync(
        string run, string key, string? attempts, [AsParameters] PageRequest page, Caller caller, RunAccess access, MetricReader reader, CancellationToken cancellationToken)
    {
        Check.That(attempts is null or "all", "attempts", "oneOf", "all");
        Check.Length(key, "key", 1, 250);
        var row = await access.RequireAsync(run, caller, cancellationToken);
        return TypedResults.Ok(await reader.ListAsync(row.Id, key, attempts is not null, page, cancellationToken));
    }

    private static async Task<Ok<MetricsCompleteness>> GetCompletenessAsync(
        string run, Caller caller, RunAccess access, MetricReader reader, CancellationToken cancellationToken)
    {
        var row = await access.RequireAsync(run, caller, cancellationToken);
        return TypedResults.Ok(await reader.CompletenessAsync(row.Id, cancellationToken));
    }

    private static async Task<NoContent> LogParamsAsync(
        string run, LogParamsRequest request, Caller caller, RunAccess access, RunStore runs, IOptions<ExperimentOptions> options, CancellationToken cancellationToken)
    {
        RunChecks.Params(request.Params, options.Value);
        var row = await access.RequireAsync(run, caller, cancellationToken);
        await runs.LogParamsAsync(row.Id, request.Params, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> SetTagsAsync(
        string run, SetTagsRequest request, Caller caller, RunAccess access, RunStore runs, IOptions<ExperimentOptions> options, CancellationToken cancellationToken)
    {
        RunChecks.Tags(request.Tags, options.Value);
        var row = await access.RequireAsync(run, caller, cancellationToken);
        await runs.SetTagsAsync(row.Id, request.Tags, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> ResumeAsync(
        string run, int attempt, ResumeRequest request, Caller caller, RunAccess access, MetricWriter writer, CancellationToken cancellationToken)
    {
        Check.Range(attempt, "attempt", 1, int.MaxValue);
        Check.Range(request.Step, "step", -1, long.MaxValue);
        var row = await access.RequireAsync(run, caller, cancellationToken);
        RequireOwnAttempt(caller, attempt);
        await writer.ResumeAsync(row.Id, attempt, request.Step, cancellationToken);
        return TypedResults.NoContent();
    }

    // A job's token is made for one attempt: an attempt that was given up cannot write into its successor.
    private static void RequireOwnAttempt(Caller caller, int attempt)
        => Check.That(caller.Role != CallerRole.Job || caller.Attempt == attempt, "attempt", "otherAttempt", caller.Attempt);
}
