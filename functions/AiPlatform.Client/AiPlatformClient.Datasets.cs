using System.Net.Http.Headers;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>Creates a dataset.</summary>
    public Task<Dataset> CreateDatasetAsync(string project, CreateDatasetRequest request, CancellationToken cancellationToken)
        => PostAsync<Dataset>($"v1/projects/{Escape(project)}/datasets", request, cancellationToken);

    /// <summary>A dataset of a project, by id or name.</summary>
    public Task<Dataset> GetDatasetAsync(string project, string dataset, CancellationToken cancellationToken)
        => GetAsync<Dataset>($"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}", cancellationToken);

    /// <summary>The datasets of a project, newest first.</summary>
    public Task<Page<Dataset>> ListDatasetsAsync(string project, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<Dataset>>(Query($"v1/projects/{Escape(project)}/datasets", pageSize, pageToken), cancellationToken);

    /// <summary>Drafts a version and says which files to upload.</summary>
    public Task<DatasetVersionDraft> CreateDatasetVersionAsync(
        string project, string dataset, CreateDatasetVersionRequest request, CancellationToken cancellationToken)
        => PostAsync<DatasetVersionDraft>($"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}/versions", request, cancellationToken);

    /// <summary>Verifies the uploads of a draft and makes the version immutable. Repeating it is harmless.</summary>
    public Task<DatasetVersion> CommitDatasetVersionAsync(string project, string dataset, int version, CancellationToken cancellationToken)
        => PostAsync<DatasetVersion>($"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}/versions/{version}/commit", null, cancellationToken);

    /// <summary>The files of a version, by path, with URLs to read them.</summary>
    public Task<Page<FileDownload>> ListDatasetFilesAsync(
        string project, string dataset, int version, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<FileDownload>>(
            Query($"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}/versions/{version}/files", pageSize, pageToken), cancellationToken);

    /// <summary>Changes a dataset's name, description or tags.</summary>
    public Task<Dataset> UpdateDatasetAsync(string project, string dataset, UpdateDatasetRequest request, CancellationToken cancellationToken)
        => SendAsync<Dataset>(HttpMethod.Patch, $"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}", Json(request), cancellationToken);

    /// <summary>Deletes a dataset that nothing uses; <paramref name="force"/> is for administrators.</summary>
    public Task DeleteDatasetAsync(string project, string dataset, bool force, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Delete, $"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}?force={(force ? "true" : "false")}", null, cancellationToken);

    /// <summary>A version by number.</summary>
    public Task<DatasetVersion> GetDatasetVersionAsync(string project, string dataset, int version, CancellationToken cancellationToken)
        => GetAsync<DatasetVersion>(VersionPath(project, dataset, version), cancellationToken);

    /// <summary>The versions of a dataset, newest first.</summary>
    public Task<Page<DatasetVersion>> ListDatasetVersionsAsync(string project, string dataset, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<DatasetVersion>>(Query($"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}/versions", pageSize, pageToken), cancellationToken);

    /// <summary>Changes a version's description or tags.</summary>
    public Task<DatasetVersion> UpdateDatasetVersionAsync(
        string project, string dataset, int version, UpdateDatasetVersionRequest request, CancellationToken cancellationToken)
        => SendAsync<DatasetVersion>(HttpMethod.Patch, VersionPath(project, dataset, version), Json(request), cancellationToken);

    /// <summary>Deletes a version that nothing uses, or a draft; <paramref name="force"/> is for administrators.</summary>
    public Task DeleteDatasetVersionAsync(string project, string dataset, int version, bool force, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Delete, $"{VersionPath(project, dataset, version)}?force={(force ? "true" : "false")}", null, cancellationToken);

    /// <summary>What a draft still needs, with fresh URLs.</summary>
    public Task<DatasetVersionDraft> RenewDatasetUploadsAsync(string project, string dataset, int version, CancellationToken cancellationToken)
        => PostAsync<DatasetVersionDraft>($"{VersionPath(project, dataset, version)}/uploads", null, cancellationToken);

    /// <summary>The files that differ from those of another version; null for the parent or the version before.</summary>
    public Task<DatasetDiff> DiffDatasetVersionAsync(
        string project, string dataset, int version, int? from, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<DatasetDiff>(Query($"{VersionPath(project, dataset, version)}/diff{(from is null ? "" : $"?from={from}")}", pageSize, pageToken), cancellationToken);

    /// <summary>How the rows of a file differ from those of another version, by key.</summary>
    /// <param name="key">Columns that name a row.</param>
    /// <param name="file">The file; null for the version's first table.</param>
    /// <param name="rows">Rows of each kind that are shown.</param>
    public Task<DatasetRowDiff> DiffDatasetRowsAsync(
        string project, string dataset, int version, int from, IReadOnlyList<string> key, string? file, int rows, CancellationToken cancellationToken)
        => GetAsync<DatasetRowDiff>(
            $"{VersionPath(project, dataset, version)}/diff/rows?from={from}&rows={rows}&key={Escape(string.Join(',', key))}{(file is null ? "" : $"&file={Escape(file)}")}",
            cancellationToken);

    /// <summary>Restores a deleted version.</summary>
    public Task<DatasetVersion> RestoreDatasetVersionAsync(string project, string dataset, int version, CancellationToken cancellationToken)
        => PostAsync<DatasetVersion>($"{VersionPath(project, dataset, version)}/restore", null, cancellationToken);

    /// <summary>Streams one file of a version.</summary>
    public Task<Stream> OpenDatasetFileAsync(string project, string dataset, int version, string path, CancellationToken cancellationToken)
        => OpenAsync($"{VersionPath(project, dataset, version)}/files/{EscapePath(path)}", cancellationToken);

    /// <summary>Streams files of a version as one archive.</summary>
    /// <param name="format"><c>zip</c> or <c>tar</c>.</param>
    /// <param name="prefix">Only files whose paths begin so; null for all.</param>
    public Task<Stream> OpenDatasetArchiveAsync(string project, string dataset, int version, string format, string? prefix, CancellationToken cancellationToken)
        => OpenAsync($"{VersionPath(project, dataset, version)}/archive?format={format}{(prefix is null ? "" : $"&prefix={Escape(prefix)}")}", cancellationToken);

    /// <summary>Streams a quality report as one HTML page.</summary>
    public Task<Stream> OpenQualityPageAsync(string report, CancellationToken cancellationToken) => OpenAsync($"v1/quality-reports/{Escape(report)}/html", cancellationToken);

    /// <summary>What matters in a quality report, as Markdown in the client's language.</summary>
    public async Task<string> GetQualityTextAsync(string report, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(await OpenAsync($"v1/quality-reports/{Escape(report)}/text", cancellationToken).ConfigureAwait(false));
        return await reader.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Imports a version from a URL, a Blob container or an archive.</summary>
    public Task<DatasetImportSubmission> ImportDatasetAsync(string project, string dataset, CreateDatasetImportRequest request, CancellationToken cancellationToken)
        => PostAsync<DatasetImportSubmission>($"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}/imports", request, cancellationToken);

    /// <summary>An import.</summary>
    public Task<DatasetImport> GetDatasetImportAsync(string project, string dataset, string import, CancellationToken cancellationToken)
        => GetAsync<DatasetImport>($"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}/imports/{Escape(import)}", cancellationToken);

    /// <summary>Cancels an import; repeating it is harmless.</summary>
    public Task<DatasetImport> CancelDatasetImportAsync(string project, string dataset, string import, CancellationToken cancellationToken)
        => PostAsync<DatasetImport>($"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}/imports/{Escape(import)}/cancel", null, cancellationToken);

    /// <summary>What is needed to carry an import out (orchestrations only).</summary>
    public Task<DatasetImportWork> GetDatasetImportWorkAsync(string import, CancellationToken cancellationToken)
        => GetAsync<DatasetImportWork>($"v1/dataset-imports/{Escape(import)}/work", cancellationToken);

    /// <summary>Reports where an import is; the answer says whether it is to stop (orchestrations only).</summary>
    public Task<DatasetImport> ReportDatasetImportAsync(string import, ReportDatasetImportRequest report, CancellationToken cancellationToken)
        => PostAsync<DatasetImport>($"v1/dataset-imports/{Escape(import)}/report", report, cancellationToken);

    /// <summary>Frees what an import has laid down, and its draft unless the version is ready (orchestrations only).</summary>
    public Task ClearDatasetImportAsync(string import, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Delete, $"v1/dataset-imports/{Escape(import)}/staging", null, cancellationToken);

    /// <summary>Uploads the files below a folder as a new version and commits it.</summary>
    public async Task<DatasetVersion> UploadDatasetVersionAsync(
        string project, string dataset, string folder, string? description, CancellationToken cancellationToken)
    {
        // SAS URLs are absolute: the same connections serve, and no token of the API goes with them.
        var uploader = new DatasetUploader(this, http);
        return await uploader.UploadAsync(
            project, dataset, LocalFile.From(folder), new UploadSettings { Description = description }, progress: null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Puts a file's bytes to a SAS URL. Repeating it is harmless.</summary>
    public async Task UploadFileAsync(string url, IReadOnlyDictionary<string, string> headers, string file, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var content = File.OpenRead(file);
                using var request = new HttpRequestMessage(HttpMethod.Put, url) { Content = new StreamContent(content) };
                request.Content.Headers.ContentLength = content.Length;
                foreach (var (name, value) in headers)
                {
                    if (!request.Headers.TryAddWithoutValidation(name, value))
                    {
                        request.Content.Headers.TryAddWithoutValidation(name, value);
                    }
                }

                using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
                if (!response.IsSuccessStatusCode)
                {
                    throw await ErrorAsync(response, cancellationToken).ConfigureAwait(false);
                }

                return;
            }
            catch (Exception exception) when (attempt < maxAttempts && IsTransient(exception, cancellationToken))
            {
                await Task.Delay(BackOff(attempt), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static string VersionPath(string project, string dataset, int version) => $"v1/projects/{Escape(project)}/datasets/{Escape(dataset)}/versions/{version}";

    private async Task<Stream> OpenAsync(string path, CancellationToken cancellationToken)
    {
        string? rejected = null;
        while (true)
        {
            var token = await tokens.GetTokenAsync(rejected, cancellationToken).ConfigureAwait(false);
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                // Whoever closes the stream ends the transfer.
                return await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            }

            using (response)
            {
                if (response.StatusCode != System.Net.HttpStatusCode.Unauthorized || token is null || rejected is not null)
                {
                    throw await ErrorAsync(response, cancellationToken).ConfigureAwait(false);
                }

                rejected = token;
            }
        }
    }
}
