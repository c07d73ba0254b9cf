using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AiPlatform.Local.Triggers;

/// <summary>The body of an invocation, exactly as the Functions host sends it to a custom handler.</summary>
internal static class InvocationEnvelope
{
    /// <summary>Quotes are escaped by a backslash only, as the host does.</summary>
    public static JsonSerializerOptions Json { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A timer's invocation.</summary>
    public static JsonObject ForTimer(TimerBinding timer, DateTimeOffset now) => new()
    {
        ["Data"] = new JsonObject
        {
            [timer.Name] = new JsonObject
            {
                ["Schedule"] = new JsonObject { ["AdjustForDST"] = true },
                ["ScheduleStatus"] = null,
                ["IsPastDue"] = false,
            },
        },
        ["Metadata"] = new JsonObject { ["sys"] = System(timer.Function, now) },
    };

    private static JsonObject System(string function, DateTimeOffset now) => new()
    {
        ["MethodName"] = function,
        ["UtcNow"] = now.UtcDateTime,
        ["RandGuid"] = Guid.NewGuid().ToString(),
    };
}
