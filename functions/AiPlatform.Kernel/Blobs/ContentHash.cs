using System.Diagnostics.CodeAnalysis;

namespace AiPlatform.Kernel.Blobs;

/// <summary>A SHA-256 as the API spells it: 64 lower-case hex digits.</summary>
public static class ContentHash
{
    /// <summary>Reads a hash; false when the text is none.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out byte[]? hash)
    {
        hash = text is { Length: 64 } && text.All(static c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f')) ? Convert.FromHexString(text) : null;
        return hash is not null;
    }
}
