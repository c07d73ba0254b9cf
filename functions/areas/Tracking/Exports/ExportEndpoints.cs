using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.Tracking.Exports;

/// <summary>Routes that answer files: runs, and the points of their metrics, as CSV or Parquet.</summary>
internal static class ExportEndpoints
{
    private const int MaxRuns = 10_000;
    private const int MaxKeys = 1_000;

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/projects/{project}/runs/export", ExportRunsAsync).WithTags("Experiments").RequireAction(TrackingActions.ListRuns).WithLongRequests()
            .Describe("exportRuns", "All runs of a project or an experiment with their parameters, tags and last metrics, as CSV or Parquet")
            .Produces<Stream>(contentType: "application/octet-stream");
        routes.MapPost("/v1/projects/{project}/metrics/export", ExportPointsAsync).WithTags("Experiments").RequireAction(TrackingActions.ListRuns).WithLongRequests()
            .Describe("exportMetrics", "All points of many runs, as CSV or Parquet")
            .Produces<Stream>(contentType: "application/octet-stream");
        routes.MapGet("/v1/runs/{run}/metrics/export", ExportRunAsync).WithTags("Runs").RequireAction(TrackingActions.ReadRun).WithLongRequests()
            .Describe("exportRunMetrics", "All points of a run, or of one of its metrics, as CSV or Parquet")
            .Produces<Stream>(contentType: "application/octet-stream");
    }

    private static async Task ExportRunsAsync(
        Reached<ProjectIdentity> project, string? experiment, [AsParameters] ExportParameters file, HttpResponse response, ExperimentStore experiments, RunExporter exporter,
        CancellationToken cancellationToken)
    {
        var format = file.ToFormat();
        var only = experiment is null ? null : await experiments.GetAsync(project.Id, experiment, cancellationToken);
        var table = await exporter.TableAsync(project.Id, only?.Id, cancellationToken);
        await exporter.WriteAsync(project.Id, only?.Id, table, Begin(response, format, table.Columns, file.KeepFormulas == true, "runs"), cancellationToken);
    }

    private static async Task ExportPointsAsync(
        Reached<ProjectIdentity> project, ExportMetricsRequest request, HttpResponse response, RunStore runs, RunExporter exporter,
        CancellationToken cancellationToken)
    {
        Check.That(request.Runs.Count is >= 1 and <= MaxRuns, "runs", "count", 1, MaxRuns);
        Check.That(request.Keys is null or { Count: >= 1 and <= MaxKeys }, "keys", "count", 1, MaxKeys);
        var known = await runs.FilterAsync(project.Id, [.. request.Runs.Distinct(StringComparer.Ordinal)], cancellationToken);
        var table = new PointTable();
        await exporter.WritePointsAsync(known, request.Keys, request.AllAttempts, table, Begin(response, request.Format, table.Columns, request.KeepFormulas, "metrics"), cancellationToken);
    }

    /// <param name="key">The metric's key; all metrics when absent.</param>
    private static async Task ExportRunAsync(
        Reached<RunRow> run, string? key, [AsParameters] ExportParameters file, HttpResponse response, RunExporter exporter,
        CancellationToken cancellationToken)
    {
        if (key is not null)
        {
            Check.Length(key, "key", 1, 250);
        }

        var format = file.ToFormat();
        var table = new PointTable();
        await exporter.WritePointsAsync([run.Value], key is null ? null : [key], allAttempts: true, table, Begin(response, format, table.Columns, file.KeepFormulas == true, "metrics"), cancellationToken);
    }

    private static IExportWriter Begin(HttpResponse response, ExportFormat format, IReadOnlyList<ExportColumn> columns, bool keepFormulas, string name)
    {
        IExportWriter writer = format == ExportFormat.Parquet ? new ParquetExport(columns, response.Body) : new CsvExport(columns, keepFormulas, response.Body);
        response.ContentType = writer.ContentType;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.ContentDisposition = $"attachment; filename=\"{name}.{format.ToText()}\"";
        return writer;
    }
}
