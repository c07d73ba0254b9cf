using System.Threading.RateLimiting;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace AiPlatform.Kernel.Http;

/// <summary>
/// Serves a bounded number of requests at once, first come first served: under load each waits its turn once, instead of waiting
/// again at every step behind requests that came later. A request counts from when its body is here, so that slow senders keep
/// nobody out. Requests that last (streams, proxied files) and anonymous ones are not counted.
/// </summary>
public sealed class Admission(RequestDelegate next, IOptions<AdmissionOptions> options) : IDisposable
{
    // Less than what the server keeps of a body that nobody has read yet.
    private const long MaxKeptByServer = 512 * 1024;

    private readonly ConcurrencyLimiter _limiter = new(new()
    {
        PermitLimit = options.Value.Concurrent,
        QueueLimit = options.Value.Waiting,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    /// <summary>Runs the request when it is its turn.</summary>
    /// <exception cref="ApiException"><c>unavailable</c>: too many wait already.</exception>
    /// <exception cref="BadHttpRequestException">The body is too large for the route, or came too slowly.</exception>
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<Caller>() is null || context.GetEndpoint()?.Metadata.GetMetadata<LongRequest>() is not null)
        {
            await next(context);
            return;
        }

        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
        {
            await ArrivedAsync(context);
        }

        using var lease = await _limiter.AcquireAsync(1, context.RequestAborted);
        if (!lease.IsAcquired)
        {
            throw new ApiException(ErrorCodes.Unavailable) { RetryAfterSeconds = 1 };
        }

        await next(context);
    }

    private static async Task ArrivedAsync(HttpContext context)
    {
        if (context.Request.ContentLength is null or > MaxKeptByServer)
        {
            context.Request.EnableBuffering();
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            context.Request.Body.Position = 0;
            return;
        }

        var reader = context.Request.BodyReader;
        for (var isHere = false; !isHere;)
        {
            var result = await reader.ReadAsync(context.RequestAborted);
            isHere = result.IsCompleted;
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _limiter.Dispose();
}

/// <summary>Marks routes whose requests last: as long as a client listens, or as long as its files take.</summary>
public sealed class LongRequest
{
    /// <summary>The mark.</summary>
    public static LongRequest Instance { get; } = new();
}
