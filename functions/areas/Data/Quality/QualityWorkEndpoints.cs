using System.Net.Mime;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts.Quality;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Data.Quality;

/// <summary>Routes by which the orchestration makes a report.</summary>
internal static class QualityWorkEndpoints
{
    private const int MaxParts = 10_000;

    /// <summary>Maps the routes below a report.</summary>
    public static void Map(RouteGroupBuilder report)
    {
        report.MapPost("/begin", BeginAsync).RequireAction(DataActions.OrchestrateQuality)
            .Describe("beginQualityReport", "Begin a report (orchestrations)");
        report.MapPost("/progress", ProgressAsync).RequireAction(DataActions.OrchestrateQuality)
            .Describe("reportQualityProgress", "Note how far a report is (orchestrations)");
        report.MapPut("/parts/{part:int}", SetPartAsync).RequireAction(DataActions.OrchestrateQuality).WithBodyLimit(Compressed.MaxBytes)
            .Describe("setQualityPart", "Keep what a step found (orchestrations)");
        report.MapGet("/parts/{part:int}", PartAsync).RequireAction(DataActions.OrchestrateQuality)
            .Describe("getQualityPart", "Read what a step found (orchestrations)")
            .Produces<JsonElement>();
        report.MapGet("/baseline", BaselineAsync).RequireAction(DataActions.OrchestrateQuality)
            .Describe("getQualityBaseline", "Read what drift is measured against (orchestrations)");
        report.MapPost("/complete", CompleteAsync).RequireAction(DataActions.OrchestrateQuality).WithBodyLimit(Compressed.MaxBytes)
            .Describe("completeQualityReport", "End a report well (orchestrations)");
        report.MapPost("/fail", FailAsync).RequireAction(DataActions.OrchestrateQuality)
            .Describe("failQualityReport", "End a report badly (orchestrations)");
    }

    private static async Task<Ok<QualityWork>> BeginAsync(string report, QualityWorkStore store, CancellationToken cancellationToken)
        => TypedResults.Ok(await store.BeginAsync(report, cancellationToken));

    private static async Task<Ok<QualityProgressResponse>> ProgressAsync(string report, QualityProgressRequest request, QualityWorkStore store, CancellationToken cancellationToken)
    {
        Check.Range(request.Progress, "progress", 0, 1d);
        return TypedResults.Ok(new QualityProgressResponse(await store.ProgressAsync(report, request.Progress, cancellationToken)));
    }

    /// <example>{"rows": 1797}</example>
    private static async Task<NoContent> SetPartAsync(string report, int part, JsonElement content, QualityWorkStore store, CancellationToken cancellationToken)
    {
        Check.Range(part, "part", 0, MaxParts);
        await store.SetPartAsync(report, part, Pack(content), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<FileContentHttpResult> PartAsync(string report, int part, QualityWorkStore store, CancellationToken cancellationToken)
        => Json(await store.PartAsync(report, part, cancellationToken) ?? throw ApiException.NotFound("qualityPart", $"{report}/{part}"));

    private static async Task<Results<FileContentHttpResult, NoContent>> BaselineAsync(string report, QualityWorkStore store, CancellationToken cancellationToken)
        => await store.BaselineAsync(report, cancellationToken) is { } packed ? Json(packed) : TypedResults.NoContent();

    private static async Task<NoContent> CompleteAsync(string report, CompleteQualityReportRequest request, QualityWorkStore store, CancellationToken cancellationToken)
    {
        Check.Range(request.Score, "score", 0, 100d);
        await store.CompleteAsync(report, request, Pack(request.Document), Pack(request.Sketches), cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<NoContent> FailAsync(string report, FailQualityReportRequest request, QualityWorkStore store, CancellationToken cancellationToken)
    {
        Check.Text(request.Reason, "reason", 4_000);
        await store.FailAsync(report, request.Reason, cancellationToken);
        return TypedResults.NoContent();
    }

    private static byte[] Pack(JsonElement content) => Compressed.Pack(Encoding.UTF8.GetBytes(content.GetRawText()));

    private static FileContentHttpResult Json(byte[] packed) => TypedResults.Bytes(Compressed.Unpack(packed), MediaTypeNames.Application.Json);
}
