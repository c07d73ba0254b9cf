using AiPlatform.Contracts.Datasets;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Tables;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Data.Datasets.Preview;

/// <summary>Routes that look into the files of a version: rows, images, columns, differences. Only the needed ranges are read.</summary>
internal static class PreviewEndpoints
{
    private const int DefaultRows = 50;
    private const int MaxRows = 1000;
    private const int MaxImages = 200;
    private const int MaxDiffRows = 500;
    private const int ImageHead = 256 * 1024;
    private const int SchemaRows = 1000;
    private static readonly TimeSpan FilterTime = TimeSpan.FromSeconds(5);

    /// <summary>Registers what the routes need.</summary>
    public static IServiceCollection AddDatasetPreview(this IServiceCollection services) => services.AddDataEngine().AddSingleton<DatasetFiles>();

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapDatasetPreviewEndpoints(this IEndpointRouteBuilder routes)
    {
        var version = routes.MapGroup("/v1/projects/{project}/datasets/{dataset}/versions/{version:int}").WithTags("Datasets").AddEndpointFilter<RouteGroupBuilder, DataErrorFilter>();
        version.MapGet("/preview", PreviewAsync).RequireAction(DataActions.ReadContent)
            .Describe("previewDataset", "Show the first, random, or filtered rows of a file");
        version.MapGet("/images", ImagesAsync).RequireAction(DataActions.ReadContent)
            .Describe("listDatasetImages", "Show images of a version, the first or random ones, with their URLs");
        version.MapGet("/schema", SchemaAsync).RequireAction(DataActions.ReadContent)
            .Describe("getDatasetSchema", "Get the columns of a file and what their values mean");
        version.MapGet("/statistics", StatisticsAsync).RequireAction(DataActions.ReadContent)
            .Describe("getDatasetStatistics", "Get statistics of a file's columns");
        version.MapGet("/diff/schema", SchemaDiffAsync).RequireAction(DataActions.ReadContent)
            .Describe("diffDatasetSchema", "Compare the columns of a file with those of another version");
        version.MapGet("/diff/rows", RowDiffAsync).RequireAction(DataActions.ReadContent)
            .Describe("diffDatasetRows", "Compare the rows of a file with those of another version, by key");
        return routes;
    }

    private static async Task<Ok<DatasetPreview>> PreviewAsync(
        Reached<DatasetVersionRow> version, string? file, [AsParameters] PreviewParameters wanted, [AsParameters] ReadingParameters reading, DatasetFiles files,
        DataEngine engine, CancellationToken cancellationToken)
    {
        var count = Check.Range(wanted.Rows ?? DefaultRows, "rows", 1, MaxRows);
        var mode = EnumText.Parse<PreviewMode>(wanted.Mode, "mode") ?? PreviewMode.First;
        var (row, source, format) = await files.TableAsync(version.Value, file, reading, cancellationToken);
        var found = wanted.Filter is { Length: > 0 } filter
            ? await TablePreview.FilteredAsync(engine, source, format, filter, count, FilterTime, cancellationToken)
            : mode == PreviewMode.Random
                ? await TablePreview.RandomAsync(engine, source, format, count, wanted.Seed ?? Random.Shared.Next(), cancellationToken)
                : await TablePreview.FirstAsync(source, format, count, cancellationToken);
        return TypedResults.Ok(new DatasetPreview(
            row.Path, [.. found.Columns.Select(static column => new DataColumn(column.Name, column.Kind.ToText(), column.Declared))],
            [.. found.Rows.Select(static item => new DataRow(item.Number, item.Values))], found.TotalRows, found.ScannedRows, found.IsComplete,
            [.. found.Issues.Select(static issue => new DataProblem(issue.Code, issue.Line, issue.Message))], Dialect(found.Dialect)));
    }

    private static async Task<Ok<ImageGrid>> ImagesAsync(
        Reached<DatasetVersionRow> version, [AsParameters] ImageParameters wanted, HttpRequest request, DatasetFiles files, ContentReader contents,
        CancellationToken cancellationToken)
    {
        var count = Check.Range(wanted.Count ?? DefaultRows, "count", 1, MaxImages);
        var mode = EnumText.Parse<PreviewMode>(wanted.Mode, "mode") ?? PreviewMode.First;
        var images = await files.ImagesAsync(version.Value, cancellationToken);
        var shown = images.ToArray();
        if (mode == PreviewMode.Random)
        {
            new Random(wanted.Seed ?? Random.Shared.Next()).Shuffle(shown);
        }

        shown = shown[..Math.Min(count, shown.Length)];
        var downloads = await contents.DownloadsAsync(version.Value.ProjectId, shown, ContentLinks.Origin(request), cancellationToken);
        var tiles = new ImageTile[shown.Length];
        await Parallel.ForAsync(
            0, shown.Length, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken },
            async (index, token) =>
            {
                var file = shown[index];
                var head = new byte[(int)Math.Min(ImageHead, file.SizeBytes)];
                var read = await (await files.SourceAsync(version.Value.ProjectId, file, token)).ReadAsync(0, head, token);
                var info = ImageInspector.Inspect(head.AsSpan(0, read), read == file.SizeBytes);
                tiles[index] = new ImageTile(file.Path, file.SizeBytes, downloads[index].Url, info.Format.ToText(), info.Width, info.Height, info.Problem);
            });
        return TypedResults.Ok(new ImageGrid(tiles, images.Count));
    }

    private static async Task<Ok<TableProfile>> SchemaAsync(
        Reached<DatasetVersionRow> version, string? file, [AsParameters] ReadingParameters reading, DatasetFiles files, DataEngine engine, CancellationToken cancellationToken)
        => TypedResults.Ok(await FirstAsync(engine, await files.TableAsync(version.Value, file, reading, cancellationToken), cancellationToken));

    private static async Task<Ok<TableProfile>> StatisticsAsync(
        Reached<DatasetVersionRow> version, string? file, [AsParameters] ReadingParameters reading, DatasetFiles files, DataEngine engine, CancellationToken cancellationToken)
    {
        var (row, source, format) = await files.TableAsync(version.Value, file, reading, cancellationToken);
        return TypedResults.Ok(await TableStatistics.ComputeAsync(engine, row.Path, source, format, cancellationToken));
    }

    private static async Task<Ok<IReadOnlyList<SchemaChange>>> SchemaDiffAsync(
        Reached<DatasetVersionRow> version, [AsParameters] SchemaDiffParameters other, [AsParameters] ReadingParameters reading, DatasetFiles files, DataEngine engine,
        CancellationToken cancellationToken)
    {
        var (now, before) = await files.PairAsync(version.Value, other.From, (other.File, other.FromFile), reading, cancellationToken);
        return TypedResults.Ok(SchemaDiff.Compare(Columns(await FirstAsync(engine, before, cancellationToken)), Columns(await FirstAsync(engine, now, cancellationToken))));
    }

    private static Task<TableProfile> FirstAsync(DataEngine engine, (DatasetFileRow File, ContentSource Source, TableFormat Format) table, CancellationToken cancellationToken)
        => TableStatistics.OfFirstAsync(engine, table.File.Path, table.Source, table.Format, SchemaRows, cancellationToken);

    private static async Task<Ok<RowDiff>> RowDiffAsync(
        Reached<DatasetVersionRow> version, [AsParameters] RowDiffParameters other, [AsParameters] ReadingParameters reading, DatasetFiles files, DataEngine engine,
        CancellationToken cancellationToken)
    {
        var shown = Check.Range(other.Rows ?? DefaultRows, "rows", 0, MaxDiffRows);
        var keys = other.Key.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Check.That(keys.Length > 0, "key", "required");
        var (now, before) = await files.PairAsync(version.Value, other.From, (other.File, other.FromFile), reading, cancellationToken);
        return TypedResults.Ok(await RowDiffer.CompareAsync(engine, (before.Source, before.Format), (now.Source, now.Format), keys, shown, cancellationToken));
    }

    private static FileDialect? Dialect(TableDialect? dialect) => dialect is null
        ? null
        : new FileDialect(
            dialect.Encoding, dialect.EncodingConfidence, dialect.Delimiter, dialect.DelimiterConfidence, dialect.Quote, dialect.HasHeader, dialect.HeaderConfidence,
            dialect.SkippedLines, [.. dialect.Dates.Select(static date => new DateReading(date.Column, date.Order?.ToText(), date.Confidence, date.Contradictions))]);

    // Category and text differ by the data, not by the schema: both are text here.
    private static SchemaColumn[] Columns(TableProfile table)
        => [.. table.Columns.Select(static column => new SchemaColumn(column.Name, (column.Type == ColumnType.Category ? ColumnType.Text : column.Type).ToText()))];
}
