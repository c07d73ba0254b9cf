namespace AiPlatform.MLflow.Traces;

/// <summary>Texts that clients send, as columns hold them.</summary>
internal static class TraceTexts
{
    /// <summary>The beginning of a longer text, with an ellipsis at the end.</summary>
    public static string Cut(string text, int max)
        => text.Length <= max ? text : text[..(char.IsHighSurrogate(text[max - 4]) ? max - 4 : max - 3)] + "...";

    /// <summary>The text without NUL, which PostgreSQL has no place for, and not longer than <paramref name="max"/>.</summary>
    public static string Column(string text, int max) => Cut(text.Replace('\0', '\uFFFD'), max);
}
