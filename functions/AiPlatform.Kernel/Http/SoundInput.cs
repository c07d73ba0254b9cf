using System.Buffers;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace AiPlatform.Kernel.Http;

/// <summary>
/// Refuses what no handler can store, in one place: in the path, in the query and in JSON bodies. PostgreSQL has no text with U+0000,
/// half a surrogate pair is no text at all, and a number such as 1e131000 takes five bytes to send and 131,000 to store.
/// </summary>
public sealed class SoundInput(RequestDelegate next)
{
    /// <summary>Lets sound requests pass.</summary>
    /// <exception cref="ApiException">400 <c>invalid_request</c>.</exception>
    public async Task InvokeAsync(HttpContext context)
    {
        CheckTarget(context.Request);
        CheckCharset(context);
        if (HasJson(context))
        {
            await CheckBodyAsync(context);
        }

        await next(context);
    }

    private static void CheckTarget(HttpRequest request)
    {
        if (!IsSound(request.Path.Value))
        {
            throw new ApiException(ErrorCodes.InvalidRequest, JsonSoundness.UnsoundText);
        }

        foreach (var (name, values) in request.Query)
        {
            if (!IsSound(name) || values.Any(static value => !IsSound(value)))
            {
                throw IsSound(name) ? ApiException.Invalid(name, JsonSoundness.UnsoundText) : new ApiException(ErrorCodes.InvalidRequest, JsonSoundness.UnsoundText);
            }
        }
    }

    // JSON is UTF-8 between systems (RFC 8259, 8.1). What says that it is something else would be looked at as one text and read as another.
    private static void CheckCharset(HttpContext context)
    {
        var request = context.Request;
        if (context.Features.Get<IErrorAnswer>() is not null
            || context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<RawBody>() is not null
            || !request.HasJsonContentType()
            || !MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || HeaderUtilities.RemoveQuotes(type.Charset) is not { Length: > 0 } charset)
        {
            return;
        }

        if (!charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !charset.Equals("us-ascii", StringComparison.OrdinalIgnoreCase))
        {
            throw new ApiException(ErrorCodes.UnsupportedMediaType);
        }

        // The framework's readers take no charset in quotes.
        type.Charset = charset;
        request.ContentType = type.ToString();
    }

    private static bool IsSound(string? text)
    {
        if (text is null || (!text.Contains('\0', StringComparison.Ordinal) && text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0))
        {
            return true;
        }

        for (ReadOnlySpan<char> rest = text; rest.Length > 0;)
        {
            if (Rune.DecodeFromUtf16(rest, out var rune, out var length) != OperationStatus.Done || rune.Value == 0)
            {
                return false;
            }

            rest = rest[length..];
        }

        return true;
    }

    // MLflow's clients do not always say that they send JSON, and its routes read JSON whatever is said.
    private static bool HasJson(HttpContext context)
        => context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true }
            && context.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<RawBody>() is null
            && (context.Request.HasJsonContentType() || context.Features.Get<IErrorAnswer>() is not null);

    // Admission has waited for the body already, wherever it keeps it.
    private static async Task CheckBodyAsync(HttpContext context)
    {
        var (problem, field) = context.Request.Body.CanSeek ? await OfBufferAsync(context) : await OfServerAsync(context);
        if (problem is not null)
        {
            throw field.Length > 0 ? ApiException.Invalid(field, problem) : new ApiException(ErrorCodes.InvalidRequest, problem);
        }
    }

    private static async Task<(string? Problem, string Field)> OfBufferAsync(HttpContext context)
    {
        var body = context.Request.Body;
        var bytes = ArrayPool<byte>.Shared.Rent((int)body.Length);
        try
        {
            body.Position = 0;
            await body.ReadExactlyAsync(bytes.AsMemory(0, (int)body.Length), context.RequestAborted);
            body.Position = 0;
            return Problem(bytes.AsSpan(0, (int)body.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    // Looked at and left where it is: whoever reads the body finds all of it.
    private static async Task<(string? Problem, string Field)> OfServerAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var result = await reader.ReadAsync(context.RequestAborted);
            if (!result.IsCompleted)
            {
                reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                continue;
            }

            var problem = result.Buffer.IsSingleSegment ? Problem(result.Buffer.FirstSpan) : OfSegments(result.Buffer);
            reader.AdvanceTo(result.Buffer.Start);
            return problem;
        }
    }

    private static (string? Problem, string Field) Problem(ReadOnlySpan<byte> json) => (JsonSoundness.Problem(json, out var field), field);

    private static (string? Problem, string Field) OfSegments(ReadOnlySequence<byte> buffer)
    {
        var bytes = ArrayPool<byte>.Shared.Rent((int)buffer.Length);
        try
        {
            buffer.CopyTo(bytes);
            return Problem(bytes.AsSpan(0, (int)buffer.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}

/// <summary>Marks routes that look into their bodies themselves: <see cref="RouteExtensions.WithRawBody"/>.</summary>
public sealed class RawBody
{
    /// <summary>The mark.</summary>
    public static RawBody Instance { get; } = new();
}
