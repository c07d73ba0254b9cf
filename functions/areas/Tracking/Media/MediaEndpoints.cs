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
    private const int MaxKey = 200;
    private const int MaxCaption = 500;
    private const int MaxAtOnce = 8;

    // A piece is checked as a whole, so it is held as a whole: only so many at once.
    private static readonly SemaphoreSlim Bodies = new(MaxAtOnce, MaxAtOnce);

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var media = routes.MapGroup("/v1/runs/{run}/media").WithTags("Media");
        media.MapPost("/", AddAsync).RequireAction(TrackingActions.LogMedia).WithBodyLimit(MediaContent.MaxBytes).WithLongRequests().WithRawBody()
            .WithOperationId("logMedia").WithSummary("Log an image, histogram, text, table or confusion matrix at a step; the body is its bytes")
            .TakesBody("application/octet-stream");
        media.MapGet("/", ListAsync).RequireAction(TrackingActions.ReadMedia)
            .WithOperationId("listMedia").WithSummary("List media by key and step");
        media.MapGet("/keys", ListKeysAsync).RequireAction(TrackingActions.ReadMedia)
            .WithOperationId("listMediaKeys").WithSummary("The keys under which a run has media");
        media.MapGet("/{media}/content", GetContentAsync).RequireAction(TrackingActions.ReadMedia).WithLongRequests()
            .WithOperationId("downloadMedia").WithSummary("The bytes of a piece of media")
            .Produces<Stream>(contentType: "application/octet-stream");
    }

    /// <param name="key">The key, which groups media of a run.</param>
    /// <param name="kind">What it is.</param>
    /// <param name="attempt">The job's attempt that made it; absent where there is no job.</param>
    private static async Task<Created<MediaItem>> AddAsync(
        Reached<RunRow> run, string key, string kind, long step, string? caption, int? attempt, HttpRequest http, Caller caller, MediaStore store,
        CancellationToken cancellationToken)
    {
        Check.Length(key, "key", 1, MaxKey);
        key = RelativePath.Require(key, "key");
        Check.Range(step, "step", 0, long.MaxValue);
        Check.Text(caption, "caption", MaxCaption);
        Check.Range(attempt ?? 1, "attempt", 1, int.MaxValue);
        var request = new LogMediaRequest(key, EnumText.Parse<MediaKind>(kind, "kind")!.Value, step, caption, attempt);
        Check.That(caller.Role != CallerRole.Job || attempt is null || caller.Attempt == attempt, "attempt", "otherAttempt", caller.Attempt);
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

    /// <param name="key">Only media under this key.</param>
    private static async Task<Ok<Page<MediaItem>>> ListAsync(
        Reached<RunRow> run, string? key, string? kind, long? fromStep, long? toStep, [AsParameters] PageRequest page, MediaStore store,
        CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(run.Id, key, EnumText.Parse<MediaKind>(kind, "kind"), fromStep, toStep, page.Keys(3), page.Size, cancellationToken);
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
