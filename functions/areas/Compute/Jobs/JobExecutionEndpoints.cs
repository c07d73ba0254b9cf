using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Jobs;

/// <summary>Routes by which the orchestration moves a job, and runners execute it.</summary>
internal static class JobExecutionEndpoints
{
    /// <summary>Maps the routes below a job.</summary>
    public static void Map(RouteGroupBuilder job)
    {
        job.MapPost("/attempts", AdmitAsync).RequireAction(ComputeActions.OrchestrateJob)
            .Describe("admitAttempt", "Admit an attempt");
        job.MapPost("/attempts/{attempt:int}/end", EndAttemptAsync).RequireAction(ComputeActions.OrchestrateJob)
            .Describe("endAttempt", "End an attempt");
        job.MapPost("/status", SetStatusAsync).RequireAction(ComputeActions.OrchestrateJob)
            .Describe("setJobStatus", "Move a job along its transition table");
        job.MapPost("/events", ReportAsync).RequireAction(ComputeActions.OrchestrateJob)
            .Describe("reportJobEvent", "Take in what happened to a node; repeating it is harmless");
        job.MapPost("/attempts/{attempt:int}/nodes/{node:int}/claim", ClaimAsync).RequireAction(ComputeActions.ExecuteJob)
            .Describe("claimNode", "Take a node");
        job.MapPut("/attempts/{attempt:int}/rendezvous", SetRendezvousAsync).RequireAction(ComputeActions.ExecuteJob)
            .Describe("putRendezvous", "Say where the ranks meet");
        job.MapGet("/attempts/{attempt:int}/rendezvous", GetRendezvousAsync).RequireAction(ComputeActions.ExecuteJob)
            .Describe("getRendezvous", "Where the ranks meet");
        job.MapPut("/attempts/{attempt:int}/ranks/{rank:int}/log", AppendLogAsync).RequireAction(ComputeActions.LogJob)
            .Describe("appendLog", "Append to a rank's log")
            .TakesBody("application/octet-stream");
        job.MapGet("/attempts/{attempt:int}/ranks/{rank:int}/log", ReadLogAsync).RequireAction(ComputeActions.ReadJob).WithLongRequests()
            .Describe("readLog", "Read a part of a rank's log")
            .Produces<Stream>(contentType: "text/plain");
    }

    private static async Task<Ok<JobAdmission>> AdmitAsync(string job, AdmitAttemptRequest request, JobAdmissions admissions, CancellationToken cancellationToken)
    {
        Check.Range(request.Attempt, "attempt", 1, int.MaxValue);
        return TypedResults.Ok(await admissions.AdmitAsync(job, request.Attempt, cancellationToken));
    }

    private static async Task<NoContent> EndAttemptAsync(
        string job, int attempt, EndAttemptRequest request, JobLifecycle lifecycle, CancellationToken cancellationToken)
    {
        Check.That(request.Status is not AttemptStatus.Queued and not AttemptStatus.Running, "status", "final");
        await lifecycle.EndAttemptAsync(job, attempt, request.Status, request.Reason, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Job>> SetStatusAsync(
        string job, SetJobStatusRequest request, Caller caller, JobAccess access, JobStore store, JobLifecycle lifecycle, CancellationToken cancellationToken)
    {
        await lifecycle.SetStatusAsync(job, request.Status, request.Reason, cancellationToken);
        return TypedResults.Ok(await JobEndpoints.ReadAsync(job, caller, access, store, cancellationToken));
    }

    // An event about a job that is gone is no error: nobody waits for it any more.
    private static async Task<NoContent> ReportAsync(string job, JobEvent request, JobEventSink sink, CancellationToken cancellationToken)
    {
        Check.Length(request.EventId, "eventId", 1, 128);
        Check.That(request.JobId == job, "jobId", "otherJob", job);
        Check.Range(request.Attempt, "attempt", 1, int.MaxValue);
        Check.Range(request.Node, "node", 0, int.MaxValue);
        Check.Text(request.RunnerId, "runnerId", 64);
        await sink.ApplyAsync(request with { At = request.At.ToUniversalTime() }, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<NodeAssignment>> ClaimAsync(
        string job, int attempt, int node, ClaimNodeRequest request, HttpRequest http, JobClaims claims, CancellationToken cancellationToken)
    {
        Check.Length(request.RunnerId, "runnerId", 1, 64);
        Check.Length(request.SessionId, "sessionId", 1, 64);
        Check.Length(request.Host, "host", 1, 255);
        return TypedResults.Ok(await claims.ClaimAsync(job, attempt, node, request, PublicAddress.Of(http), cancellationToken));
    }

    private static async Task<NoContent> SetRendezvousAsync(string job, int attempt, Rendezvous request, JobClaims claims, CancellationToken cancellationToken)
    {
        Check.Length(request.MasterHost, "masterHost", 1, 255);
        Check.Range(request.MasterPort, "masterPort", 1, 65_535);
        await claims.SetRendezvousAsync(job, attempt, request, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<Rendezvous>> GetRendezvousAsync(string job, int attempt, JobClaims claims, CancellationToken cancellationToken)
        => TypedResults.Ok(await claims.GetRendezvousAsync(job, attempt, cancellationToken));

    /// <param name="offset">Where the bytes belong: the log's length so far. What is there already is not written twice.</param>
    private static async Task<Ok<LogLength>> AppendLogAsync(
        Reached<JobRank> rank, long offset, HttpRequest http, Caller caller, JobLogs logs, IOptions<JobOptions> options, CancellationToken cancellationToken)
    {
        Check.Range(offset, "offset", 0, long.MaxValue / 2);
        var log = rank.Value.RequireWritable(caller);
        var chunk = await ReadBodyAsync(http, options.Value.MaxLogChunkBytes, cancellationToken);
        return TypedResults.Ok(new LogLength(await logs.AppendAsync(log, offset, chunk, cancellationToken)));
    }

    /// <param name="limit">The most bytes in the answer.</param>
    private static async Task<FileStreamHttpResult> ReadLogAsync(
        Reached<JobRank> rank, long? offset, int? limit, JobLogs logs, IOptions<JobOptions> options, CancellationToken cancellationToken)
    {
        Check.Range(offset ?? 0, "offset", 0, long.MaxValue / 2);
        Check.Range(limit ?? 1, "limit", 1, options.Value.MaxLogReadBytes);
        var stream = await logs.ReadAsync(rank.Value, offset ?? 0, limit ?? options.Value.MaxLogReadBytes, cancellationToken);
        return TypedResults.Stream(stream, "text/plain; charset=utf-8");
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpRequest http, int limit, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream((int)Math.Min(http.ContentLength ?? 4_096, limit));
        await http.Body.CopyToAsync(buffer, cancellationToken);
        return buffer.Length <= limit ? buffer.ToArray() : throw new ApiException(Contracts.ErrorCodes.PayloadTooLarge);
    }
}
