using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Texts;

/// <summary>The language of the answer to the request that is being served; English outside of requests.</summary>
public static class RequestLanguage
{
    private static readonly AsyncLocal<bool> Chinese = new();

    /// <summary>Whether the answer is Chinese.</summary>
    public static bool IsChinese => Chinese.Value;

    /// <summary>Sets the language for all that follows in this request.</summary>
    public static void Set(HttpRequest request) => Chinese.Value = ErrorCatalog.PrefersChinese(request);
}
