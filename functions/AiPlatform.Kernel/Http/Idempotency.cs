using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Http;

/// <summary>
/// Header <c>Idempotency-Key</c>: the first successful answer is stored under (caller, key) and given again to repeats
/// of the same request for a day. Another request under the key is a 422; a repeat while the first still runs is a 409.
/// An answer with a secret is not kept: a repeat is a 409 too. Failed requests are not stored: they changed nothing, and a repeat runs again.
/// </summary>
public sealed class Idempotency(RequestDelegate next, IdempotencyKeys keys)
{
    private const string Header = "Idempotency-Key";
    private const string ReplayedHeader = "Idempotency-Replayed";
    private const int MaxKeyLength = 200;
    private static readonly string[] StoredHeaders = ["Content-Type", "Location", "ETag", "Retry-After"];

    /// <summary>Runs the request once per key.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var key = context.Request.Headers[Header].ToString();
        if (key.Length == 0 || context.GetEndpoint()?.Metadata.GetMetadata<IdempotentRoute>() is not { } route)
        {
            await next(context);
            return;
        }

        if (key.Length > MaxKeyLength || key.Contains('\0', StringComparison.Ordinal))
        {
            throw ApiException.Invalid(Header, "length", 1, MaxKeyLength);
        }

        var caller = context.Features.Get<Caller>()?.UserId ?? string.Empty;
        var hash = await HashAsync(context.Request, context.RequestAborted);
        if (await keys.TakeAsync(caller, key, hash))
        {
            await RunAsync(context, route, caller, key);
            return;
        }

        // A key that is given back between the two statements has no row: the caller may try again, as while it was busy.
        await ReplayAsync(context, route, await keys.FindAsync(caller, key, context.RequestAborted), hash);
    }

    private static async Task<byte[]> HashAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        request.EnableBuffering();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method} {request.Path}{request.QueryString}\n"));
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            int read;
            while ((read = await request.Body.ReadAsync(buffer, cancellationToken)) > 0)
            {
                hash.AppendData(buffer, 0, read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        request.Body.Position = 0;
        return hash.GetHashAndReset();
    }

    private static async Task ReplayAsync(HttpContext context, IdempotentRoute route, StoredRequest? stored, byte[] hash)
    {
        if (stored is not null && !CryptographicOperations.FixedTimeEquals(stored.RequestHash, hash))
        {
            throw new ApiException(ErrorCodes.IdempotencyKeyReused);
        }

        if (stored?.Status is not { } status)
        {
            throw new ApiException(ErrorCodes.IdempotencyInProgress) { RetryAfterSeconds = 1 };
        }

        if (route.AnswersSecret)
        {
            throw new ApiException(ErrorCodes.IdempotencyAnswerNotKept);
        }

        context.Response.StatusCode = status;
        foreach (var (name, value) in JsonSerializer.Deserialize<Dictionary<string, string>>(stored.Headers!)!)
        {
            context.Response.Headers[name] = value;
        }

        context.Response.Headers[ReplayedHeader] = "true";
        await context.Response.Body.WriteAsync(stored.Body, context.RequestAborted);
    }

    private static IdempotentAnswer AnswerOf(IdempotentRoute route, string caller, string key, HttpResponse response, MemoryStream body)
        => new(
            caller,
            key,
            response.StatusCode,
            JsonSerializer.Serialize(StoredHeaders.Where(response.Headers.ContainsKey).ToDictionary(static name => name, name => response.Headers[name].ToString())),
            route.AnswersSecret ? [] : body.ToArray());

    private async Task RunAsync(HttpContext context, IdempotentRoute route, string caller, string key)
    {
        var response = context.Response;
        var body = response.Body;
        using var captured = new MemoryStream();
        response.Body = captured;
        var succeeded = false;
        try
        {
            await next(context);
            succeeded = response.StatusCode is >= 200 and < 300;
        }
        finally
        {
            response.Body = body;

            // The effect has happened (or not): this must be recorded even when the caller went away.
            await (succeeded ? keys.StoreAsync(AnswerOf(route, caller, key, response, captured)) : keys.ReleaseAsync(caller, key));
        }

        captured.Position = 0;
        await captured.CopyToAsync(body, context.RequestAborted);
    }
}

/// <summary>Marks routes that honour <c>Idempotency-Key</c>.</summary>
public sealed class IdempotentRoute
{
    /// <summary>The mark.</summary>
    public static IdempotentRoute Instance { get; } = new();

    /// <summary>The mark of routes whose answer must not lie anywhere.</summary>
    public static IdempotentRoute OfSecret { get; } = new() { AnswersSecret = true };

    /// <summary>Whether only the status of the answer is kept.</summary>
    public bool AnswersSecret { get; private init; }
}
