using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Operations.DurableStatus;

/// <summary>Inputs, outputs, events and states: JSON on both sides.</summary>
internal static class Payloads
{
    /// <summary>The body: any JSON value, or nothing.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static async Task<object?> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        return body.Length == 0 ? null : JsonSerializer.Deserialize<JsonElement>(body.GetBuffer().AsSpan(0, (int)body.Length));
    }

    /// <summary>A stored payload. They are JSON by convention; what is not is shown as text.</summary>
    public static JsonNode? Show(string? text)
    {
        if (text is null)
        {
            return null;
        }

        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }
}
