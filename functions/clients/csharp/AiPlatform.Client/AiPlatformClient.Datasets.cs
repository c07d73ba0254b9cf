using System.Net.Http.Headers;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
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
