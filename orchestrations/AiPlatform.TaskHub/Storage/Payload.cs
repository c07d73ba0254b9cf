using System.Text;

namespace AiPlatform.TaskHub.Storage;

/// <summary>Payloads are kept as UTF-8 bytes: a text column would refuse the NUL characters that JSON may hold.</summary>
internal static class Payload
{
    public static byte[]? FromText(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text);

    public static string? ToText(byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);
}
