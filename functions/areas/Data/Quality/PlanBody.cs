using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Quality;

/// <summary>A body that is a plan in YAML as its author wrote it, or JSON with the plan among its fields.</summary>
/// <param name="Json">The JSON; null when there is none.</param>
/// <param name="Plan">The YAML; null when there is none.</param>
internal sealed record PlanBody<T>(T? Json, string? Plan)
    where T : class
{
    // The longest plan, and a mark of its encoding.
    private const int MaxBytes = (QualityPlanReader.MaxLength * 4) + 3;

    /// <summary>Reads the body of a request.</summary>
    /// <exception cref="ApiException">415; 400 when the YAML is too long or is not UTF-8.</exception>
    public static async ValueTask<PlanBody<T>> BindAsync(HttpContext context)
    {
        var request = context.Request;
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: true })
        {
            return new PlanBody<T>(null, null);
        }

        if (request.HasJsonContentType())
        {
            var options = context.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
            return new PlanBody<T>(await JsonSerializer.DeserializeAsync<T>(request.Body, options, context.RequestAborted), null);
        }

        return PlanTypes.IsYaml(request.ContentType) ? new PlanBody<T>(null, await ReadAsync(request, context.RequestAborted)) : throw new ApiException(ErrorCodes.UnsupportedMediaType);
    }

    private static async Task<string> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[8192];
        while (await request.Body.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            Check.That(bytes.Length + read <= MaxBytes, "plan", "length", 0, QualityPlanReader.MaxLength);
            bytes.Write(buffer, 0, read);
        }

        try
        {
            var text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
            return text.StartsWith('\uFEFF') ? text[1..] : text;
        }
        catch (DecoderFallbackException)
        {
            throw ApiException.Invalid("plan", "utf8");
        }
    }
}
