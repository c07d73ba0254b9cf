using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Quality;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>Rows of a file of a version.</summary>
    /// <param name="file">The file; null for the version's first table.</param>
    /// <param name="filter">A condition on rows, such as <c>age &gt;= 18 and country in ('CN', 'DE')</c>.</param>
    public Task<DatasetPreview> PreviewDatasetAsync(
        string project, string dataset, int version, string? file, PreviewMode mode, string? filter, int rows, CancellationToken cancellationToken)
        => PreviewDatasetAsync(project, dataset, version, file, mode, filter, rows, new FileReading(), cancellationToken);

    /// <summary>Rows of a file of a version, read as it is told.</summary>
    /// <param name="file">The file; null for the version's first table.</param>
    /// <param name="filter">A condition on rows, such as <c>age &gt;= 18 and country in ('CN', 'DE')</c>.</param>
    /// <param name="reading">How a file of text is read; what is not told is found out.</param>
    public Task<DatasetPreview> PreviewDatasetAsync(
        string project, string dataset, int version, string? file, PreviewMode mode, string? filter, int rows, FileReading reading, CancellationToken cancellationToken)
        => GetAsync<DatasetPreview>(
            $"{VersionPath(project, dataset, version)}/preview?rows={rows}&mode={(mode == PreviewMode.Random ? "random" : "first")}"
            + (file is null ? "" : $"&file={Escape(file)}") + (filter is null ? "" : $"&filter={Escape(filter)}") + Query(reading),
            cancellationToken);

    private static string Query(FileReading reading) => string.Concat(new (string Name, string? Value)[]
        {
            ("encoding", reading.Encoding), ("delimiter", reading.Delimiter == "\t" ? "tab" : reading.Delimiter), ("quote", reading.Quote),
            ("header", reading.Header is { } header ? (header ? "true" : "false") : null),
            ("skippedLines", reading.SkippedLines?.ToString(CultureInfo.InvariantCulture)), ("dateOrder", reading.DateOrder),
        }.Select(static pair => pair.Value is null ? string.Empty : $"&{pair.Name}={Escape(pair.Value)}"));

    /// <summary>Keeps what a step of a report found (orchestrations only).</summary>
    public Task SetQualityPartAsync<T>(string report, int part, T content, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Put, $"{ReportPath(report)}/parts/{part}", () => JsonContent.Create(content, options: ContractsJson.Strict), cancellationToken);

    /// <summary>What a step of a report found (orchestrations only).</summary>
    public Task<T> GetQualityPartAsync<T>(string report, int part, CancellationToken cancellationToken)
        => GetAsync<T>($"{ReportPath(report)}/parts/{part}", cancellationToken);

    /// <summary>What drift is measured against; null for nothing (orchestrations only).</summary>
    public async Task<T?> GetQualityBaselineAsync<T>(string report, CancellationToken cancellationToken)
        => await GetAsync<T?>($"{ReportPath(report)}/baseline", cancellationToken).ConfigureAwait(false);

    private static string ReportPath(string report) => $"v1/quality-reports/{Escape(report)}";
}
