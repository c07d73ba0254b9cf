using System.Buffers;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.Features;

namespace AiPlatform.Kernel.Http;

/// <summary>
/// Refuses bodies that say they are larger than the route takes. What a client has begun to send is read to its end first, within
/// bounds: most clients read no answer before they have sent everything, and would see a broken connection instead of the reason.
/// </summary>
public sealed class BodyLimit(RequestDelegate next)
{
    private const long MaxDiscardedBytes = 32 * 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Lets requests pass whose body is not too large, or of a length that is not known yet: those are counted as they are read.</summary>
    /// <exception cref="ApiException">413.</exception>
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false, MaxRequestBodySize: { } limit } feature)
        {
            if (context.Request.ContentLength is { } length)
            {
                await CheckAsync(context, feature, length, limit);
            }
            else if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
            {
                var body = context.Request.Body;
                feature.MaxRequestBodySize = null;
                CountedBodyReader.Use(context, new CountedBodyStream(body, limit, () => DiscardAsync(body, context.RequestAborted)));
            }
        }

        await next(context);
    }

    private static async Task CheckAsync(HttpContext context, IHttpMaxRequestBodySizeFeature feature, long length, long limit)
    {
        if (length <= limit)
        {
            return;
        }

        // Who waits for "100 Continue" has sent nothing yet.
        if (length <= MaxDiscardedBytes && context.Request.Headers.Expect.Count == 0)
        {
            feature.MaxRequestBodySize = null;
            await DiscardAsync(context.Request.Body, context.RequestAborted);
        }

        throw new ApiException(ErrorCodes.PayloadTooLarge);
    }

    private static async Task DiscardAsync(Stream body, CancellationToken aborted)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        patience.CancelAfter(Patience);
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            long discarded = 0;
            for (int read; discarded <= MaxDiscardedBytes && (read = await body.ReadAsync(buffer, patience.Token)) > 0;)
            {
                discarded += read;
            }
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            // A sender so slow gets the answer now, if it reads it.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
