using System.Security.Cryptography;
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

    /// <summary>Uploads the files below a folder as a new version and commits it.</summary>
    public async Task<DatasetVersion> UploadDatasetVersionAsync(
        string project, string dataset, string folder, string? description, CancellationToken cancellationToken)
    {
        var files = new List<DatasetFile>();
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            await using var content = File.OpenRead(file);
            var hash = await SHA256.HashDataAsync(content, cancellationToken).ConfigureAwait(false);
            var path = Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/');
            files.Add(new DatasetFile(path, content.Length, Convert.ToHexStringLower(hash)));
        }

        var draft = await CreateDatasetVersionAsync(project, dataset, new CreateDatasetVersionRequest(files, description), cancellationToken).ConfigureAwait(false);
        foreach (var upload in draft.Uploads)
        {
            await UploadFileAsync(upload.Url, upload.Headers, Path.Combine(folder, upload.Path), cancellationToken).ConfigureAwait(false);
        }

        return await CommitDatasetVersionAsync(project, dataset, draft.Version.Version, cancellationToken).ConfigureAwait(false);
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
}
