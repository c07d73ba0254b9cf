using System.Text.Json;

namespace AiPlatform.Bench.Platform;

internal static class JsonOutput
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true };
}
