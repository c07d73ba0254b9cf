using AiPlatform.Contracts;
using Microsoft.AspNetCore.Http.Features;

namespace AiPlatform.Functions.Infrastructure;

/// <summary>
/// Refuses bodies that say they are larger than the route takes. What a client has begun to send is read to its end first, within
/// bounds: most clients read no answer before they have sent everything, and would see a broken connection instead of the reason.
/// </summary>
internal sealed class BodyLimit(RequestDelegate next)
{
    private const long MaxDiscardedBytes = 32 * 1024 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Lets requests pass whose body is not too large, or of a length that is not known yet: the server counts those.</summary>
    /// <exception cref="ApiException">413.</exception>
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false, MaxRequestBodySize: { } limit } feature
            && context.Request.ContentLength is { } length && length > limit)
        {
            // Who waits for "100 Continue" has sent nothing yet.
            if (length <= MaxDiscardedBytes && context.Request.Headers.Expect.Count == 0)
            {
                feature.MaxRequestBodySize = null;
                await DiscardAsync(context);
            }

            throw new ApiException(ErrorCodes.PayloadTooLarge);
        }

        await next(context);
    }

    private static async Task DiscardAsync(HttpContext context)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        patience.CancelAfter(Patience);
        try
        {
            await context.Request.Body.CopyToAsync(Stream.Null, patience.Token);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            // A sender so slow gets the answer now, if it reads it.
        }
    }
}
