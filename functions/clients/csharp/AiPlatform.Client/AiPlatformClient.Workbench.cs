using System.Net.Http.Headers;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>Logs a piece of media at a step; the same content again changes nothing.</summary>
    /// <param name="open">Opens the bytes, once for each try.</param>
    public Task<MediaItem> LogMediaAsync(string run, LogMediaRequest request, Func<Stream> open, CancellationToken cancellationToken)
    {
        var path = $"v1/runs/{Escape(run)}/media?key={Escape(request.Key)}&kind={Name(request.Kind)}&step={request.Step}"
            + (request.Caption is null ? string.Empty : $"&caption={Escape(request.Caption)}") + (request.Attempt is { } attempt ? $"&attempt={attempt}" : string.Empty);
        return SendAsync<MediaItem>(
            HttpMethod.Post, path, () => new StreamContent(open()) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } }, cancellationToken);
    }

    /// <summary>The bytes of a piece of media.</summary>
    public Task DownloadMediaAsync(string run, string media, Stream target, CancellationToken cancellationToken)
        => DownloadAsync(HttpMethod.Get, $"v1/runs/{Escape(run)}/media/{Escape(media)}/content", null, target, cancellationToken);

    /// <summary>Writes all runs of a project, or of one experiment, to a stream. The stream holds a part when this fails.</summary>
    /// <param name="experiment">Null for all.</param>
    public Task ExportRunsAsync(string project, string? experiment, ExportFormat format, Stream target, CancellationToken cancellationToken)
        => ExportRunsAsync(project, experiment, format, keepFormulas: false, target, cancellationToken);

    /// <summary>Writes all runs of a project, or of one experiment, to a stream. The stream holds a part when this fails.</summary>
    /// <param name="experiment">Null for all.</param>
    /// <param name="keepFormulas">Whether texts in CSV that spreadsheets take for formulas stay as they are.</param>
    public Task ExportRunsAsync(
        string project, string? experiment, ExportFormat format, bool keepFormulas, Stream target, CancellationToken cancellationToken)
        => DownloadAsync(
            HttpMethod.Get,
            $"v1/projects/{Escape(project)}/runs/export?format={Name(format)}{(experiment is null ? string.Empty : $"&experiment={Escape(experiment)}")}"
            + (keepFormulas ? "&keepFormulas=true" : string.Empty),
            null,
            target,
            cancellationToken);

    /// <summary>Writes the points of many runs to a stream. The stream holds a part when this fails.</summary>
    public Task ExportMetricsAsync(string project, ExportMetricsRequest request, Stream target, CancellationToken cancellationToken)
        => DownloadAsync(HttpMethod.Post, $"v1/projects/{Escape(project)}/metrics/export", Json(request)(), target, cancellationToken);

    // Not tried again: what was written to the target cannot be taken back.
    private async Task DownloadAsync(HttpMethod method, string path, HttpContent? content, Stream target, CancellationToken cancellationToken)
    {
        var token = await tokens.GetTokenAsync(null, cancellationToken).ConfigureAwait(false);
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            throw await ErrorAsync(response, cancellationToken).ConfigureAwait(false);
        }

        await response.Content.CopyToAsync(target, cancellationToken).ConfigureAwait(false);
    }
}
