using System.Text.Json;

namespace AiPlatform.MLflow.Traces;

/// <summary>The short form in which lists show what went into a trace and what came out: of a chat the last message, else the JSON.</summary>
internal static class Previews
{
    /// <summary>Longest preview that is made; clients may send longer ones.</summary>
    public const int Made = 1_000;

    /// <summary>Longest preview that is kept.</summary>
    public const int Kept = 10_000;

    /// <summary>The preview of a dumped value.</summary>
    /// <param name="role">Whose message counts: <c>user</c> or <c>assistant</c>.</param>
    public static string Of(string dumped, string role)
    {
        using var document = AttributeValues.Parse(dumped);
        var text = document is null ? null : Message(document.RootElement, role);
        return TraceTexts.Column(text is { Length: > 0 } ? text : dumped, Made);
    }

    private static string? Message(JsonElement value, string role)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        foreach (var name in (string[])["messages", "input", "output"])
        {
            if (value.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array && Last(list, role) is { } found)
            {
                return found;
            }
        }

        return value.TryGetProperty("choices", out var choices) && choices.ValueKind == JsonValueKind.Array && choices.GetArrayLength() > 0
            && choices[0].ValueKind == JsonValueKind.Object && choices[0].TryGetProperty("message", out var message)
            ? Content(message)
            : value.TryGetProperty("request", out var request) ? Message(request, role) : null;
    }

    private static string? Last(JsonElement messages, string role)
    {
        var valid = messages.EnumerateArray().Where(IsMessage).ToList();
        return valid.Count == 0
            ? null
            : Content(valid.FindLast(message => message.GetProperty("role").GetString() == role) is { ValueKind: JsonValueKind.Object } own ? own : valid[^1]);
    }

    private static bool IsMessage(JsonElement message)
        => message.ValueKind == JsonValueKind.Object && message.TryGetProperty("content", out _)
            && message.TryGetProperty("role", out var role) && role.ValueKind == JsonValueKind.String;

    // A content is a text, or a list of parts of which texts show.
    private static string? Content(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object || !message.TryGetProperty("content", out var content))
        {
            return null;
        }

        return content.ValueKind switch
        {
            JsonValueKind.String => content.GetString(),
            JsonValueKind.Array => content.EnumerateArray()
                .Where(static part => part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
                .Select(static part => part.GetProperty("text").GetString())
                .FirstOrDefault(),
            _ => null,
        };
    }
}
