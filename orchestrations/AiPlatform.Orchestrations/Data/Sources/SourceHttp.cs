using System.Net;
using System.Net.Http.Headers;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Orchestrations.Tasks;

namespace AiPlatform.Orchestrations.Data.Sources;

/// <summary>
/// Reads from addresses that users give, through the guard, and from those that administrators chose, without it. Follows a few
/// redirects by itself: every step is guarded.
/// </summary>
internal sealed class SourceHttp(GuardedHttp guarded) : IDisposable
{
    private const int MaxRedirects = 5;

    private static readonly HttpStatusCode[] Redirects =
        [HttpStatusCode.MovedPermanently, HttpStatusCode.Found, HttpStatusCode.SeeOther, HttpStatusCode.TemporaryRedirect, HttpStatusCode.PermanentRedirect];

    /// <summary>For URLs of the platform's own storage and API.</summary>
    public HttpClient Storage { get; } = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>The client for a source.</summary>
    public HttpClient For(DatasetImportWork work) => work.IsTrusted ? Storage : guarded.Client;

    /// <summary>Gets a file from an offset on.</summary>
    /// <param name="tag">The file that the offset belongs to; null for none.</param>
    /// <exception cref="ImportException">The source refuses for good.</exception>
    public async Task<HttpResponseMessage> GetAsync(DatasetImportWork work, long offset, string? tag, CancellationToken cancellationToken)
    {
        var url = new Uri(work.SourceUrl);
        for (var redirects = 0; ; redirects++)
        {
            var response = await SendAsync(For(work), Request(url, offset, tag), cancellationToken);
            if (!Redirects.Contains(response.StatusCode))
            {
                return response;
            }

            using (response)
            {
                if (redirects == MaxRedirects || response.Headers.Location is not { } location)
                {
                    throw new ImportException(DatasetImportErrors.SourceStatus, $"{(int)response.StatusCode}");
                }

                url = new Uri(url, location);
                if (url.Scheme is not ("http" or "https"))
                {
                    throw new ImportException(DatasetImportErrors.SourceForbidden);
                }
            }
        }
    }

    /// <summary>Sends a request; success, redirect and 416 come back, what may pass is an <see cref="HttpRequestException"/>.</summary>
    /// <exception cref="ImportException">The source refuses for good, or is not public.</exception>
    public static async Task<HttpResponseMessage> SendAsync(HttpClient http, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var status = (int)response.StatusCode;
            if (response.IsSuccessStatusCode || Redirects.Contains(response.StatusCode) || response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                return response;
            }

            response.Dispose();
            throw status is 408 or 425 or 429 or >= 500
                ? new HttpRequestException($"The source answered {status}.")
                : new ImportException(status == 412 ? DatasetImportErrors.SourceChanged : DatasetImportErrors.SourceStatus, $"{status}");
        }
        catch (HttpRequestException exception) when (exception.InnerException is ForbiddenAddressException)
        {
            throw new ImportException(DatasetImportErrors.SourceForbidden);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.NameResolutionError)
        {
            throw new ImportException(DatasetImportErrors.SourceUnreachable, exception.Message);
        }
        finally
        {
            request.Dispose();
        }
    }

    public void Dispose() => Storage.Dispose();

    private static HttpRequestMessage Request(Uri url, long offset, string? tag)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (offset > 0 && tag is not null && RangeConditionHeaderValue.TryParse(tag, out var condition))
        {
            request.Headers.Range = new RangeHeaderValue(offset, null);
            request.Headers.IfRange = condition;
        }

        return request;
    }
}
