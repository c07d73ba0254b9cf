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
        .AddSingleton<QualityReportStore>().AddSingleton<QualityWorkStore>().AddSingleton<IOrchestratedKind, OrchestratedReports>()
        .AddSingleton<ITaskKind, ReportTaskKind>().AddGarbage<QualityGarbage>()
        .AddSingleton(new OwnedKind("qualityReport", "quality_reports", IsInstance: true)).AddSingleton<IDatasetQuality, DatasetQualityRule>()
        .AddSingleton<IDatasetFacetSource, QualityFacets>()
        .AddSingleton<IDatasetReading, PlannedReading>();

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapQualityEndpoints(this IEndpointRouteBuilder routes)
    {
        var dataset = routes.MapGroup("/v1/projects/{project}/datasets/{dataset}").WithTags("Quality");
        dataset.MapGet("/quality-plan", PlanAsync).RequirePermission(Permission.Read)
            .WithOperationId("getQualityPlan").WithSummary("Get the expectations and rules of a dataset");
        dataset.MapPut("/quality-plan", SetPlanAsync).RequirePermission(Permission.Write).AcceptsPlan<QualityPlanText>()
            .WithOperationId("setQualityPlan").WithSummary("Replace the expectations and rules of a dataset: YAML, as it is or as a field of JSON");
        var version = dataset.MapGroup("/versions/{version:int}");
        version.MapPost("/quality-reports", CreateAsync).RequirePermission(Permission.Write).WithIdempotency().AcceptsPlan<CreateQualityReportRequest>()
            .WithOperationId("createQualityReport").WithSummary("Start a quality report of a version");
        version.MapGet("/quality-reports", ListAsync).RequirePermission(Permission.Read)
            .WithOperationId("listQualityReports").WithSummary("List the quality reports of a version, newest first");
        version.MapGet("/quality", LatestAsync).RequirePermission(Permission.Read)
            .WithOperationId("getVersionQuality").WithSummary("Get the newest quality report of a version, and whether the version may be used");
        version.MapPost("/quality/override", OverrideAsync).RequirePermission(Permission.Administer)
            .WithOperationId("overrideVersionQuality").WithSummary("Let a version be used although its report blocks it");
        var report = routes.MapGroup("/v1/quality-reports/{report}").WithTags("Quality");
        report.MapGet("/", GetAsync).RequirePermission(Permission.Read)
            .WithOperationId("getQualityReport").WithSummary("Get a quality report's status and score");
        report.MapGet("/document", DocumentAsync).RequirePermission(Permission.Read).Produces<QualityDocument>()
            .WithOperationId("getQualityDocument").WithSummary("Get a quality report as JSON");
        report.MapGet("/html", HtmlAsync).RequirePermission(Permission.Read)
            .WithOperationId("getQualityPage").WithSummary("Get a quality report as one HTML page in the caller's language")
            .Produces<Stream>(contentType: "text/html");
        report.MapGet("/text", TextAsync).RequirePermission(Permission.Read).Produces<string>(contentType: "text/markdown")
            .WithOperationId("getQualityText").WithSummary("Get what matters in a quality report as Markdown in the caller's language");
        report.MapPost("/cancel", CancelAsync).RequirePermission(Permission.Write)
            .WithOperationId("cancelQualityReport").WithSummary("Cancel a quality report; repeating it is harmless");
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
        string project, string dataset, Caller caller, ProjectAccess projects, DatasetStore datasets, QualityReportStore reports, CancellationToken cancellationToken)
    {
        var row = await datasets.GetAsync(await projects.RequireAsync(project, caller, cancellationToken), dataset, cancellationToken);
        var plan = await reports.PlanAsync(row.Id, cancellationToken);
        return TypedResults.Ok(new QualityPlanText(plan, Problems(QualityPlanReader.Parse(plan))));
    }

    private static async Task<Ok<QualityPlanText>> SetPlanAsync(
        string project, string dataset, PlanBody<QualityPlanText> body, Caller caller, ProjectAccess projects, DatasetStore datasets, QualityReportStore reports,
        CancellationToken cancellationToken)
    {
        var request = body.Json ?? (body.Plan is { } sent ? new QualityPlanText(sent) : throw ApiException.Invalid("plan", "required"));
        var problems = CheckPlan(request.Plan);
        var row = await datasets.GetAsync(await projects.RequireAsync(project, caller, cancellationToken), dataset, cancellationToken);
        await reports.SetPlanAsync(row.Id, request.Plan, caller, cancellationToken);
        return TypedResults.Ok(request with { Problems = problems });
    }

    private static async Task<Accepted<QualityReportSubmission>> CreateAsync(
        string project, string dataset, int version, PlanBody<CreateQualityReportRequest> body, Caller caller, HttpRequest http, ProjectAccess projects,
        DatasetVersionStore versions, QualityReportStore reports, CancellationToken cancellationToken)
    {
        var request = body.Json ?? new CreateQualityReportRequest(body.Plan);
        if (request.Plan is { } plan)
        {
            CheckPlan(plan);
        }

        var row = await versions.GetReadyAsync(await projects.RequireAsync(project, caller, cancellationToken), dataset, version, cancellationToken);
        var report = await reports.CreateAsync(row, request.Plan, request.BaselineVersion, caller, cancellationToken);
        var uris = ManagementUris.For(http, report.Id);
        return TypedResults.Accepted($"/v1/quality-reports/{report.Id}", new QualityReportSubmission(report.ToContract(), uris.StatusQueryGetUri, uris.TerminatePostUri));
    }

    private static async Task<Ok<Page<QualityReport>>> ListAsync(
        string project, string dataset, int version, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, DatasetVersionStore versions,
        QualityReportStore reports, CancellationToken cancellationToken)
    {
        var row = await versions.GetAsync(await projects.RequireAsync(project, caller, cancellationToken), dataset, version, cancellationToken);
        var rows = await reports.ListAsync(row.Id, page.Key(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, item => item.ToContract(), item => [item.Id]));
    }

    private static async Task<Ok<VersionQuality>> LatestAsync(
        string project, string dataset, int version, Caller caller, ProjectAccess projects, DatasetVersionStore versions, QualityReportStore reports,
        CancellationToken cancellationToken)
    {
        var row = await versions.GetAsync(await projects.RequireAsync(project, caller, cancellationToken), dataset, version, cancellationToken);
        return TypedResults.Ok(await reports.LatestAsync(row.Id, cancellationToken));
    }

    private static async Task<Ok<VersionQuality>> OverrideAsync(
        string project, string dataset, int version, OverrideQualityRequest request, Caller caller, ProjectAccess projects, DatasetVersionStore versions,
        QualityReportStore reports, CancellationToken cancellationToken)
    {
        Check.Length(request.Reason, "reason", 1, MaxReason);
        var row = await versions.GetAsync(await projects.RequireAsync(project, caller, cancellationToken), dataset, version, cancellationToken);
        await reports.OverrideAsync(row.Id, request.Reason, caller, cancellationToken);
        return TypedResults.Ok(await reports.LatestAsync(row.Id, cancellationToken));
    }

    private static async Task<Ok<QualityReport>> GetAsync(string report, Caller caller, QualityReportStore reports, CancellationToken cancellationToken)
        => TypedResults.Ok((await reports.GetAsync(report, caller, cancellationToken)).ToContract());

    private static async Task<FileContentHttpResult> DocumentAsync(string report, Caller caller, QualityReportStore reports, CancellationToken cancellationToken)
        => TypedResults.Bytes(await ReadAsync(report, caller, reports, cancellationToken), MediaTypeNames.Application.Json);

    private static async Task<ContentHttpResult> TextAsync(string report, Caller caller, HttpRequest request, QualityReportStore reports, CancellationToken cancellationToken)
    {
        var document = JsonSerializer.Deserialize<QualityDocument>(await ReadAsync(report, caller, reports, cancellationToken), ContractsJson.Tolerant)!;
        return TypedResults.Content(QualityText.Render(document, ErrorCatalog.PrefersChinese(request)), MediaTypeNames.Text.Markdown, Encoding.UTF8);
    }

    private static async Task<ContentHttpResult> HtmlAsync(string report, Caller caller, HttpRequest request, HttpResponse response, QualityReportStore reports, CancellationToken cancellationToken)
    {
        var document = JsonSerializer.Deserialize<QualityDocument>(await ReadAsync(report, caller, reports, cancellationToken), ContractsJson.Tolerant)!;

        // The page shows names and values of somebody's data: it may run nothing and load nothing.
        response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        response.Headers.XContentTypeOptions = "nosniff";
        return TypedResults.Content(QualityHtml.Render(document, ErrorCatalog.PrefersChinese(request)), MediaTypeNames.Text.Html, Encoding.UTF8);
    }

    private static async Task<Ok<QualityReport>> CancelAsync(string report, Caller caller, QualityReportStore reports, CancellationToken cancellationToken)
    {
        await reports.GetAsync(report, caller, cancellationToken);
        await reports.CancelAsync(report, cancellationToken);
        return TypedResults.Ok((await reports.GetAsync(report, caller, cancellationToken)).ToContract());
    }

    private static async Task<byte[]> ReadAsync(string report, Caller caller, QualityReportStore reports, CancellationToken cancellationToken)
    {
        var row = await reports.GetAsync(report, caller, cancellationToken);
        return await reports.DocumentAsync(report, cancellationToken) is { } packed
            ? Compressed.Unpack(packed)
            : throw ApiException.IllegalTransition("qualityReport", row.Status.ToText(), QualityReportStatus.Succeeded.ToText());
    }
}
