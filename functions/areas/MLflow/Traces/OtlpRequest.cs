using AiPlatform.MLflow.Traces.Otlp;
using System.IO.Compression;
using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using Google.Protobuf;

namespace AiPlatform.MLflow.Traces;

/// <summary>Reads the body of an OTLP export request: protobuf or JSON, compressed or not, within bounds.</summary>
internal static class OtlpRequest
{
    /// <summary>Largest body as it is sent.</summary>
    public const long MaxBodyBytes = 16 * 1024 * 1024;

    private const int MaxBytes = 64 * 1024 * 1024;
    private const int MaxSpans = 20_000;

    /// <summary>The request's spans.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE: with 400 for a body that is no such request, with 422 for a span that is none.</exception>
    public static async Task<IReadOnlyList<SpanRecord>> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var body = await DecompressAsync(request, cancellationToken);
        var export = Parse(request, body);
        var spans = export.ResourceSpans.SelectMany(static resource => resource.ScopeSpans).SelectMany(static scope => scope.Spans).ToList();
        if (spans.Count is 0 or > MaxSpans)
        {
            throw MLflowException.Invalid(spans.Count == 0
                ? "Invalid OpenTelemetry format - no spans found"
                : $"A request can contain at most {MaxSpans} spans. Got {spans.Count} spans. Please split up spans across multiple requests and try again.");
        }

        return [.. spans.Select(OtlpSpans.Read)];
    }

    /// <summary>Whether the body is JSON; else it is protobuf.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static bool IsJson(HttpRequest request) => request.ContentType?.Split(';')[0].Trim().ToLowerInvariant() switch
    {
        "application/x-protobuf" => false,
        "application/json" => true,
        _ => throw MLflowException.Invalid($"Invalid Content-Type: {request.ContentType}. Expected: application/x-protobuf or application/json"),
    };

    private static ExportTraceServiceRequest Parse(HttpRequest request, MemoryStream body)
    {
        try
        {
            if (!IsJson(request))
            {
                return ExportTraceServiceRequest.Parser.ParseFrom(body);
            }

            using var document = JsonDocument.Parse(body);
            return JsonTexts.AreSound(document.RootElement) ? OtlpJson.Read(document.RootElement) : throw new FormatException("half of a surrogate pair");
        }
        catch (InvalidProtocolBufferException)
        {
            throw MLflowException.Invalid("Invalid OpenTelemetry protobuf format");
        }
        catch (JsonException)
        {
            throw MLflowException.Invalid("Invalid OpenTelemetry JSON format");
        }
        catch (FormatException exception)
        {
            throw MLflowException.Invalid($"Invalid OpenTelemetry JSON format: {exception.Message}");
        }
    }

    private static async Task<MemoryStream> DecompressAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var encoding = request.Headers.ContentEncoding.ToString().Trim().ToLowerInvariant();
        await using Stream source = encoding switch
        {
            "" or "identity" => request.Body,
            "gzip" => new GZipStream(request.Body, CompressionMode.Decompress),
            "deflate" => new ZLibStream(request.Body, CompressionMode.Decompress),
            _ => throw MLflowException.Invalid($"Unsupported Content-Encoding: {encoding}. Expected: gzip, deflate or identity"),
        };
        var result = new MemoryStream();
        var chunk = new byte[65_536];
        try
        {
            for (int read; (read = await source.ReadAsync(chunk, cancellationToken)) > 0;)
            {
                if (result.Length + read > MaxBytes)
                {
                    throw MLflowException.Invalid($"The request is larger than {MaxBytes} bytes. Please split up spans across multiple requests and try again.");
                }

                result.Write(chunk, 0, read);
            }
        }
        catch (InvalidDataException)
        {
            throw MLflowException.Invalid($"Failed to decompress {encoding} payload");
        }

        result.Position = 0;
        return result;
    }
}
