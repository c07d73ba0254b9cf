using System.Net.Mime;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Quality;
using AiPlatform.Data.Datasets;
using AiPlatform.Data.Datasets.Preview;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Quality;
using AiPlatform.DataFiles.Reports;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Orchestrated;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Texts;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Operations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Data.Quality;

/// <summary>Routes of quality reports.</summary>
internal static class QualityEndpoints
{
    private const int MaxReason = 2_000;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddQuality(this IServiceCollection services) => services
        .AddReach<QualityReportRow, QualityReportStore>().AddSingleton<QualityWorkStore>().AddSingleton<IOrchestratedKind, OrchestratedReports>()
        .AddSingleton<ITaskKind, ReportTaskKind>().AddGarbage<QualityGarbage>()
        .AddSingleton(new OwnedKind("qualityReport", "quality_reports", IsInstance: true)).AddSingleton<IDatasetQuality, DatasetQualityRule>()
        .AddSingleton<IDatasetFacetSource, QualityFacets>()
        .AddSingleton<IDatasetReading, PlannedReading>();

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapQualityEndpoints(this IEndpointRouteBuilder routes)
    {
        var dataset = routes.MapGroup("/v1/projects/{project}/datasets/{dataset}").WithTags("Quality");
        dataset.MapGet("/quality-plan", PlanAsync).RequireAction(DataActions.ReadQuality)
            .Describe("getQualityPlan", "Get the expectations and rules of a dataset");
        dataset.MapPut("/quality-plan", SetPlanAsync).RequireAction(DataActions.WriteQuality).AcceptsPlan<QualityPlanText>()
            .Describe("setQualityPlan", "Replace the expectations and rules of a dataset: YAML, as it is or as a field of JSON");
        var version = dataset.MapGroup("/versions/{version:int}");
        version.MapPost("/quality-reports", CreateAsync).RequireAction(DataActions.WriteQuality).WithIdempotency().AcceptsPlan<CreateQualityReportRequest>()
            .Describe("createQualityReport", "Start a quality report of a version");
        version.MapGet("/quality-reports", ListAsync).RequireAction(DataActions.ReadQuality)
            .Describe("listQualityReports", "List the quality reports of a version, newest first");
        version.MapGet("/quality", LatestAsync).RequireAction(DataActions.ReadQuality)
            .Describe("getVersionQuality", "Get the newest quality report of a version, and whether the version may be used");
        version.MapPost("/quality/override", OverrideAsync).RequireAction(DataActions.AdministerQuality)
            .Describe("overrideVersionQuality", "Let a version be used although its report blocks it");
        var report = routes.MapGroup("/v1/quality-reports/{report}").WithTags("Quality");
        report.MapGet("/", Get).RequireAction(DataActions.ReadQuality)
            .Describe("getQualityReport", "Get a quality report's status and score");
        report.MapGet("/document", DocumentAsync).RequireAction(DataActions.ReadQuality).Produces<QualityDocument>()
            .Describe("getQualityDocument", "Get a quality report as JSON");
        report.MapGet("/html", HtmlAsync).RequireAction(DataActions.ReadQuality)
            .Describe("getQualityPage", "Get a quality report as one HTML page in the caller's language")
            .Produces<Stream>(contentType: "text/html");
        report.MapGet("/text", TextAsync).RequireAction(DataActions.ReadQuality).Produces<string>(contentType: "text/markdown")
            .Describe("getQualityText", "Get what matters in a quality report as Markdown in the caller's language");
        report.MapPost("/cancel", CancelAsync).RequireAction(DataActions.CancelQuality)
            .Describe("cancelQualityReport", "Cancel a quality report; repeating it is harmless");
        QualityWorkEndpoints.Map(report);
        return routes;
    }

    /// <summary>Whether a plan can be read.</summary>
    /// <exception cref="ApiException">400 that says where it is wrong.</exception>
    /// <returns>Expectations that cannot be judged, each with its reason; null when all can.</returns>
    internal static IReadOnlyList<string>? CheckPlan(string plan)
    {
        Check.That(plan.Length <= QualityPlanReader.MaxLength && !plan.Contains('\0', StringComparison.Ordinal), "plan", "length", 0, QualityPlanReader.MaxLength);
        try
        {
            return Problems(QualityPlanReader.Parse(plan));
        }
        catch (QualityPlanException exception)
        {
            throw ApiException.Invalid("plan", "qualityPlan", exception.Path, exception.Problem);
        }
    }

    private static List<string>? Problems(QualityPlan plan)
    {
        var problems = plan.Expectations.Where(static expectation => expectation.Problem is not null)
            .Select(static expectation => $"{expectation.Type}: {Sentences.Told(expectation.Problem)}").ToList();
        return problems.Count > 0 ? problems : null;
    }

    private static async Task<Ok<QualityPlanText>> PlanAsync(
        Reached<DatasetRow> dataset, QualityReportStore reports, CancellationToken cancellationToken)
    {
        var plan = await reports.PlanAsync(dataset.Id, cancellationToken);
        return TypedResults.Ok(new QualityPlanText(plan, Problems(QualityPlanReader.Parse(plan))));
    }

    private static async Task<Ok<QualityPlanText>> SetPlanAsync(
        Reached<DatasetRow> dataset, PlanBody<QualityPlanText> body, Caller caller, QualityReportStore reports,
        CancellationToken cancellationToken)
    {
        var request = body.Json ?? (body.Plan is { } sent ? new QualityPlanText(sent) : throw ApiException.Invalid("plan", "required"));
        var problems = CheckPlan(request.Plan);
        await reports.SetPlanAsync(dataset.Id, request.Plan, caller, cancellationToken);
        return TypedResults.Ok(request with { Problems = problems });
    }

    private static async Task<Accepted<QualityReportSubmission>> CreateAsync(
        Reached<DatasetVersionRow> version, PlanBody<CreateQualityReportRequest> body, Caller caller, HttpRequest http, QualityReportStore reports, CancellationToken cancellationToken)
    {
        var request = body.Json ?? new CreateQualityReportRequest(body.Plan);
        if (request.Plan is { } plan)
        {
            CheckPlan(plan);
        }

        var row = version.Value.RequireReady();
        var report = await reports.CreateAsync(row, request.Plan, request.BaselineVersion, caller, cancellationToken);
        var uris = ManagementUris.For(http, report.Id);
        return TypedResults.Accepted($"/v1/quality-reports/{report.Id}", new QualityReportSubmission(report.ToContract(), uris.StatusQueryGetUri, uris.TerminatePostUri));
    }

    private static async Task<Ok<Page<QualityReport>>> ListAsync(
        Reached<DatasetVersionRow> version, [AsParameters] PageRequest page, QualityReportStore reports, CancellationToken cancellationToken)
    {
        var rows = await reports.ListAsync(version.Id, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, item => item.ToContract(), item => [item.Id]));
    }

    private static async Task<Ok<VersionQuality>> LatestAsync(
        Reached<DatasetVersionRow> version, QualityReportStore reports,
        CancellationToken cancellationToken)
    {
        return TypedResults.Ok(await reports.LatestAsync(version.Id, cancellationToken));
    }

    private static async Task<Ok<VersionQuality>> OverrideAsync(
        Reached<DatasetVersionRow> version, OverrideQualityRequest request, Caller caller, QualityReportStore reports, CancellationToken cancellationToken)
    {
        Check.Length(request.Reason, "reason", 1, MaxReason);
        await reports.OverrideAsync(version.Id, request.Reason, caller, cancellationToken);
        return TypedResults.Ok(await reports.LatestAsync(version.Id, cancellationToken));
    }

    private static Ok<QualityReport> Get(Reached<QualityReportRow> report) => TypedResults.Ok(report.Value.ToContract());

    private static async Task<FileContentHttpResult> DocumentAsync(Reached<QualityReportRow> report, QualityReportStore reports, CancellationToken cancellationToken)
        => TypedResults.Bytes(await ReadAsync(report, reports, cancellationToken), MediaTypeNames.Application.Json);

    private static async Task<ContentHttpResult> TextAsync(Reached<QualityReportRow> report, HttpRequest request, QualityReportStore reports, CancellationToken cancellationToken)
    {
        var document = JsonSerializer.Deserialize<QualityDocument>(await ReadAsync(report, reports, cancellationToken), ContractsJson.Tolerant)!;
        return TypedResults.Content(QualityText.Render(document, ErrorCatalog.PrefersChinese(request)), MediaTypeNames.Text.Markdown, Encoding.UTF8);
    }

    private static async Task<ContentHttpResult> HtmlAsync(Reached<QualityReportRow> report, HttpRequest request, HttpResponse response, QualityReportStore reports, CancellationToken cancellationToken)
    {
        var document = JsonSerializer.Deserialize<QualityDocument>(await ReadAsync(report, reports, cancellationToken), ContractsJson.Tolerant)!;

        // The page shows names and values of somebody's data: it may run nothing and load nothing.
        response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        response.Headers.XContentTypeOptions = "nosniff";
        return TypedResults.Content(QualityHtml.Render(document, ErrorCatalog.PrefersChinese(request)), MediaTypeNames.Text.Html, Encoding.UTF8);
    }

    private static async Task<Ok<QualityReport>> CancelAsync(Reached<QualityReportRow> report, Caller caller, QualityReportStore reports, CancellationToken cancellationToken)
    {
        await reports.CancelAsync(report.Id, cancellationToken);
        return TypedResults.Ok((await reports.GetAsync(report.Id, caller, cancellationToken)).ToContract());
    }

    private static async Task<byte[]> ReadAsync(Reached<QualityReportRow> report, QualityReportStore reports, CancellationToken cancellationToken)
    {
        return await reports.DocumentAsync(report.Id, cancellationToken) is { } packed
            ? Compressed.Unpack(packed)
            : throw ApiException.IllegalTransition("qualityReport", report.Value.Status.ToText(), QualityReportStatus.Succeeded.ToText());
    }
}
