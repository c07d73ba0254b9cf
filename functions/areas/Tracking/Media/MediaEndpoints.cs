using System.Globalization;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Runs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Tracking.Media;

/// <summary>Routes of a run's media: images, histograms, texts, tables, confusion matrices, each at a step.</summary>
internal static class MediaEndpoints
{
    private const int MaxAtOnce = 8;

    // A piece is checked as a whole, so it is held as a whole: only so many at once.
    private static readonly SemaphoreSlim Bodies = new(MaxAtOnce, MaxAtOnce);

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var media = routes.MapGroup("/v1/runs/{run}/media").WithTags("Media");
        media.MapPost("/", AddAsync).RequireAction(TrackingActions.LogMedia).WithBodyLimit(MediaContent.MaxBytes).WithLongRequests().WithRawBody()
            .Describe("logMedia", "Log an image, histogram, text, table or confusion matrix at a step; the body is its bytes")
            .TakesBody("application/octet-stream");
        media.MapGet("/", ListAsync).RequireAction(TrackingActions.ReadMedia)
            .Describe("listMedia", "List media by key and step");
        media.MapGet("/keys", ListKeysAsync).RequireAction(TrackingActions.ReadMedia)
            .Describe("listMediaKeys", "The keys under which a run has media");
        media.MapGet("/{media}/content", GetContentAsync).RequireAction(TrackingActions.ReadMedia).WithLongRequests()
            .Describe("downloadMedia", "The bytes of a piece of media")
            .Produces<Stream>(contentType: "application/octet-stream");
    }

    private static async Task<Created<MediaItem>> AddAsync(
        Reached<RunRow> run, [AsParameters] MediaParameters media, HttpRequest http, Caller caller, MediaStore store, CancellationToken cancellationToken)
    {
        var request = media.ToRequest();
        Check.That(caller.Role != CallerRole.Job || request.Attempt is null || caller.Attempt == request.Attempt, "attempt", "otherAttempt", caller.Attempt);
        await Bodies.WaitAsync(cancellationToken);
        try
        {
            var content = MediaContent.Of(request.Kind, await ReadAsync(http, MediaContent.LimitOf(request.Kind), cancellationToken));
            var added = await store.AddAsync(run.Value, request, content, cancellationToken);
            return TypedResults.Created($"/v1/runs/{run.Id}/media/{added.Id}/content", added.ToContract());
        }
        finally
        {
            Bodies.Release();
        }
    }

    private static async Task<Ok<Page<MediaItem>>> ListAsync(
        Reached<RunRow> run, [AsParameters] MediaFilter filter, [AsParameters] PageRequest page, MediaStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(run.Id, filter, page.Keys(3), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, item => item.ToContract(), item => [item.Key, item.Step.ToString(CultureInfo.InvariantCulture), item.Id]));
    }

    private static async Task<Ok<IReadOnlyList<MediaKey>>> ListKeysAsync(Reached<RunRow> run, MediaStore store, CancellationToken cancellationToken)
    {
        return TypedResults.Ok(await store.KeysAsync(run.Id, cancellationToken));
    }

    private static async Task<Results<FileStreamHttpResult, StatusCodeHttpResult>> GetContentAsync(
        Reached<RunRow> run, string media, HttpRequest http, HttpResponse response, MediaStore store, BlobStorage storage,
        CancellationToken cancellationToken)
    {
        var item = await store.GetAsync(run.Id, media, cancellationToken);
        var headers = response.Headers;

        // What a run logged is not trusted: no browser runs it, guesses another type, or shows it as a page of ours.
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "private, max-age=31536000, immutable";
        headers.ETag = $"\"{item.Hex}\"";
        headers.ContentDisposition = item.Kind == MediaKind.Image ? "inline" : "attachment";
        if (http.Headers.IfNoneMatch == headers.ETag)
        {
            return TypedResults.StatusCode(StatusCodes.Status304NotModified);
        }

        var content = await storage.OpenReadAsync(BlobStorage.Runs, item.Blob, 0, null, cancellationToken) ?? throw ApiException.NotFound("media", media);
        response.ContentLength = item.SizeBytes;
        return TypedResults.Stream(content, item.ContentType);
    }

    private static async Task<byte[]> ReadAsync(HttpRequest http, int limit, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int count;
        while ((count = await http.Body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            content.Write(buffer, 0, count);
            if (content.Length > limit)
            {
                throw new ApiException(ErrorCodes.PayloadTooLarge);
            }
        }

        return content.ToArray();
    }
}
