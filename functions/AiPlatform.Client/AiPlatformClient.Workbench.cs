using System.Net.Http.Headers;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>The attempts of a run: which wrote which steps.</summary>
    public Task<IReadOnlyList<RunAttempt>> ListRunAttemptsAsync(string run, CancellationToken cancellationToken)
        => GetAsync<IReadOnlyList<RunAttempt>>($"v1/runs/{Escape(run)}/attempts", cancellationToken);

    /// <summary>Parameters, tags and metrics of several runs side by side.</summary>
    public Task<RunComparison> CompareRunsAsync(string project, CompareRunsRequest request, CancellationToken cancellationToken)
        => PostAsync<RunComparison>($"v1/projects/{Escape(project)}/runs/compare", request, cancellationToken);

    /// <summary>The notes of a run.</summary>
    public Task<RunNote> GetRunNotesAsync(string run, CancellationToken cancellationToken) => GetAsync<RunNote>($"v1/runs/{Escape(run)}/notes", cancellationToken);

    /// <summary>Writes the next version of a run's notes.</summary>
    /// <param name="expectedVersion">The version that the writer has seen; null when the writer does not mind.</param>
    public Task<RunNote> WriteRunNotesAsync(string run, WriteNoteRequest request, long? expectedVersion, CancellationToken cancellationToken)
        => SendAsync<RunNote>(HttpMethod.Put, $"v1/runs/{Escape(run)}/notes", Json(request), cancellationToken, IfMatch(expectedVersion));

    /// <summary>All versions of a run's notes, newest first.</summary>
    public Task<Page<RunNote>> ListRunNotesAsync(string run, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<RunNote>>(Query($"v1/runs/{Escape(run)}/notes/history", pageSize, pageToken), cancellationToken);

    /// <summary>Saves a view.</summary>
    public Task<RunView> CreateRunViewAsync(string project, CreateRunViewRequest request, CancellationToken cancellationToken)
        => PostAsync<RunView>($"v1/projects/{Escape(project)}/run-views", request, cancellationToken);

    /// <summary>The caller's and the shared views, newest first.</summary>
    public Task<Page<RunView>> ListRunViewsAsync(string project, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<RunView>>(Query($"v1/projects/{Escape(project)}/run-views", pageSize, pageToken), cancellationToken);

    /// <summary>A view.</summary>
    public Task<RunView> GetRunViewAsync(string project, string view, CancellationToken cancellationToken)
        => GetAsync<RunView>($"v1/projects/{Escape(project)}/run-views/{Escape(view)}", cancellationToken);

    /// <summary>The runs that a view shows, in its order.</summary>
    public Task<Page<Run>> ListRunsOfViewAsync(string project, string view, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<Run>>(Query($"v1/projects/{Escape(project)}/run-views/{Escape(view)}/runs", pageSize, pageToken), cancellationToken);

    /// <summary>Searches runs by filter and order.</summary>
    public Task<Page<Run>> SearchRunsAsync(string project, SearchRunsRequest request, CancellationToken cancellationToken)
        => PostAsync<Page<Run>>($"v1/projects/{Escape(project)}/runs/search", request, cancellationToken);

    /// <summary>Changes a view.</summary>
    public Task<RunView> UpdateRunViewAsync(string project, string view, UpdateRunViewRequest request, long? expectedVersion, CancellationToken cancellationToken)
        => SendAsync<RunView>(HttpMethod.Patch, $"v1/projects/{Escape(project)}/run-views/{Escape(view)}", Json(request), cancellationToken, IfMatch(expectedVersion));

    /// <summary>Deletes a view.</summary>
    public Task DeleteRunViewAsync(string project, string view, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Delete, $"v1/projects/{Escape(project)}/run-views/{Escape(view)}", null, cancellationToken);

    /// <summary>Logs a piece of media at a step; the same content again changes nothing.</summary>
    /// <param name="open">Opens the bytes, once for each try.</param>
    public Task<MediaItem> LogMediaAsync(string run, LogMediaRequest request, Func<Stream> open, CancellationToken cancellationToken)
    {
        var path = $"v1/runs/{Escape(run)}/media?key={Escape(request.Key)}&kind={Name(request.Kind)}&step={request.Step}"
            + (request.Caption is null ? string.Empty : $"&caption={Escape(request.Caption)}") + (request.Attempt is { } attempt ? $"&attempt={attempt}" : string.Empty);
        return SendAsync<MediaItem>(
            HttpMethod.Post, path, () => new StreamContent(open()) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } }, cancellationToken);
    }

    /// <summary>Media of a run by key and step.</summary>
    /// <param name="key">Null for all.</param>
    public Task<Page<MediaItem>> ListMediaAsync(string run, string? key, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<MediaItem>>(Query($"v1/runs/{Escape(run)}/media{(key is null ? string.Empty : $"?key={Escape(key)}")}", pageSize, pageToken), cancellationToken);

    /// <summary>The keys under which a run has media.</summary>
    public Task<IReadOnlyList<MediaKey>> ListMediaKeysAsync(string run, CancellationToken cancellationToken)
        => GetAsync<IReadOnlyList<MediaKey>>($"v1/runs/{Escape(run)}/media/keys", cancellationToken);

    /// <summary>The bytes of a piece of media.</summary>
    public Task DownloadMediaAsync(string run, string media, Stream target, CancellationToken cancellationToken)
        => DownloadAsync(HttpMethod.Get, $"v1/runs/{Escape(run)}/media/{Escape(media)}/content", null, target, cancellationToken);

    /// <summary>One metric in buckets, smoothed, zoomed and along any axis.</summary>
    public Task<MetricSeries> GetMetricSeriesAsync(string run, string key, MetricSeriesQuery query, CancellationToken cancellationToken)
    {
        static string Number(double value) => value.ToString("R", System.Globalization.CultureInfo.InvariantCulture);
        string?[] parts =
        [
            $"key={Escape(key)}", query.Buckets is { } buckets ? $"buckets={buckets}" : null, query.Smoothing is { } amount ? $"smoothing={Number(amount)}" : null,
            query.SmoothingKind is { } kind ? $"smoothingKind={Name(kind)}" : null, query.Axis is { } axis ? $"axis={Name(axis)}" : null,
            query.From is { } from ? $"from={Number(from)}" : null, query.To is { } to ? $"to={Number(to)}" : null,
        ];
        return GetAsync<MetricSeries>($"v1/runs/{Escape(run)}/metrics/series?{string.Join('&', parts.Where(part => part is not null))}", cancellationToken);
    }

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

    private static string Name<T>(T value)
        where T : struct, Enum
        => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

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

    private static Action<HttpRequestHeaders>? IfMatch(long? version)
        => version is { } expected ? headers => headers.IfMatch.Add(new EntityTagHeaderValue($"\"{expected}\"")) : null;
}
