using System.Net.Http.Headers;
using AiPlatform.Contracts.Jobs;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>Appends a chunk to a rank's log at an exact offset; a chunk that is already there changes nothing.</summary>
    public Task<LogLength> AppendLogAsync(string job, int attempt, int rank, long offset, ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken)
        => SendAsync<LogLength>(
            HttpMethod.Put,
            $"v1/jobs/{Escape(job)}/attempts/{attempt}/ranks/{rank}/log?offset={offset}",
            () => new ReadOnlyMemoryContent(chunk) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } },
            cancellationToken);

    /// <summary>A part of a rank's log as text.</summary>
    public Task<string> ReadLogAsync(string job, int attempt, int rank, long offset, int limit, CancellationToken cancellationToken)
        => ReadTextAsync($"v1/jobs/{Escape(job)}/attempts/{attempt}/ranks/{rank}/log?offset={offset}&limit={limit}", cancellationToken);

    /// <summary>Streams a part of a rank's log, as long as the platform gives at once; empty behind its end.</summary>
    public Task<Stream> OpenLogAsync(string job, int attempt, int rank, long offset, CancellationToken cancellationToken)
        => OpenAsync($"v1/jobs/{Escape(job)}/attempts/{attempt}/ranks/{rank}/log?offset={offset}", cancellationToken);

    private async Task<string> ReadTextAsync(string path, CancellationToken cancellationToken)
    {
        var token = await tokens.GetTokenAsync(null, cancellationToken).ConfigureAwait(false);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return response.IsSuccessStatusCode
            ? await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false)
            : throw await ErrorAsync(response, cancellationToken).ConfigureAwait(false);
    }
}
