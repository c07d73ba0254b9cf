using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using Dapper;

namespace AiPlatform.Functions.Infrastructure;

/// <summary>
/// Header <c>Idempotency-Key</c>: the first successful answer is stored under (caller, key) and given again to repeats
/// of the same request for a day. Another request under the key is a 422; a repeat while the first still runs is a 409.
/// Failed requests are not stored: they changed nothing, and a repeat runs again.
/// </summary>
internal sealed class Idempotency(RequestDelegate next, Database database, TimeProvider time)
{
    private const string Header = "Idempotency-Key";
    private const string ReplayedHeader = "Idempotency-Replayed";
    private const int MaxKeyLength = 200;
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
    private static readonly string[] StoredHeaders = ["Content-Type", "Location", "ETag", "Retry-After"];

    /// <summary>Runs the request once per key.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var key = context.Request.Headers[Header].ToString();
        if (key.Length == 0 || context.GetEndpoint()?.Metadata.GetMetadata<IdempotentRoute>() is null)
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
        if (await TakeAsync(caller, key, hash, context.RequestAborted) is { } stored)
        {
            await ReplayAsync(context, stored, hash);
            return;
        }

        await RunAsync(context, caller, key);
    }

    private static async Task<byte[]> HashAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        request.EnableBuffering();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method} {request.Path}{request.QueryString}\n"));
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await request.Body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            hash.AppendData(buffer, 0, read);
        }

        request.Body.Position = 0;
        return hash.GetHashAndReset();
    }

    private static async Task ReplayAsync(HttpContext context, Stored stored, byte[] hash)
    {
        if (!CryptographicOperations.FixedTimeEquals(stored.RequestHash, hash))
        {
            throw new ApiException(ErrorCodes.IdempotencyKeyReused);
        }

        if (stored.Status is not { } status)
        {
            throw new ApiException(ErrorCodes.IdempotencyInProgress) { RetryAfterSeconds = 1 };
        }

        context.Response.StatusCode = status;
        foreach (var (name, value) in JsonSerializer.Deserialize<Dictionary<string, string>>(stored.Headers!)!)
        {
            context.Response.Headers[name] = value;
        }

        context.Response.Headers[ReplayedHeader] = "true";
        await context.Response.Body.WriteAsync(stored.Body, context.RequestAborted);
    }

    private async Task RunAsync(HttpContext context, string caller, string key)
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
            await (succeeded ? StoreAsync(caller, key, response, captured) : ReleaseAsync(caller, key));
        }

        captured.Position = 0;
        await captured.CopyToAsync(body, context.RequestAborted);
    }

    private async Task<Stored?> TakeAsync(string caller, string key, byte[] hash, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var now = time.GetUtcNow();

        // A key whose first request died (its lease is over and there is no answer) is taken over.
        var taken = await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO idempotency_keys AS k (caller_id, key, request_hash, created_at, lease_until)
            VALUES (@caller, @key, @hash, @now, @until)
            ON CONFLICT (caller_id, key) DO UPDATE SET lease_until = @until
            WHERE k.status IS NULL AND k.lease_until < @now AND k.request_hash = @hash
            """,
            new { caller, key, hash, now, until = now + Lease },
            cancellationToken: cancellationToken));
        return taken == 1
            ? null
            : await connection.QuerySingleOrDefaultAsync<Stored>(new CommandDefinition(
                "SELECT request_hash, status, headers::text AS headers, body FROM idempotency_keys WHERE caller_id = @caller AND key = @key",
                new { caller, key },
                cancellationToken: cancellationToken))
            ?? throw new ApiException(ErrorCodes.IdempotencyInProgress) { RetryAfterSeconds = 1 };
    }

    private async Task StoreAsync(string caller, string key, HttpResponse response, MemoryStream body)
    {
        var headers = StoredHeaders.Where(response.Headers.ContainsKey).ToDictionary(static name => name, name => response.Headers[name].ToString());
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await connection.ExecuteAsync(
            "UPDATE idempotency_keys SET status = @status, headers = @headers::jsonb, body = @body WHERE caller_id = @caller AND key = @key",
            new { caller, key, status = response.StatusCode, headers = JsonSerializer.Serialize(headers), body = body.ToArray() });
    }

    private async Task ReleaseAsync(string caller, string key)
    {
        await using var connection = await database.OpenAsync(CancellationToken.None);
        await connection.ExecuteAsync("DELETE FROM idempotency_keys WHERE caller_id = @caller AND key = @key AND status IS NULL", new { caller, key });
    }

    private sealed record Stored
    {
        public required byte[] RequestHash { get; init; }

        public int? Status { get; init; }

        public string? Headers { get; init; }

        public byte[]? Body { get; init; }
    }
}

/// <summary>Marks routes that honour <c>Idempotency-Key</c>.</summary>
internal sealed class IdempotentRoute
{
    /// <summary>The mark.</summary>
    public static IdempotentRoute Instance { get; } = new();
}
