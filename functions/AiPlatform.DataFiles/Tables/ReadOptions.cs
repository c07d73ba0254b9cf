namespace AiPlatform.DataFiles.Tables;

/// <summary>What a reader is told about a file of text instead of finding it out; null is found out.</summary>
/// <param name="Encoding">The name of an encoding, such as <c>gb18030</c>, <c>big5</c> or <c>windows-1251</c>.</param>
/// <param name="Delimiter">Between fields.</param>
/// <param name="Quote">Around fields that hold delimiters.</param>
/// <param name="HasHeader">Whether the first record names the columns.</param>
/// <param name="SkippedLines">Lines before the first record.</param>
/// <param name="DateOrder">How <c>01/02/2024</c> is read.</param>
public sealed record ReadOptions(
    string? Encoding = null, char? Delimiter = null, char? Quote = null, bool? HasHeader = null, int? SkippedLines = null, DateOrder? DateOrder = null)
{
    /// <summary>The most lines that can be skipped.</summary>
    public const int MaxSkippedLines = 1000;

    /// <summary>Everything is found out.</summary>
    public static ReadOptions Detect { get; } = new();

    /// <summary>Whether an encoding of that name can be read.</summary>
    public static bool IsEncoding(string name) => TextEncoding.Named(name) is not null;

    /// <summary>Whether a character can stand between fields, or around them.</summary>
    public static bool IsMark(char mark) => mark == '\t' || (!char.IsControl(mark) && !char.IsLetterOrDigit(mark) && !char.IsSurrogate(mark) && mark != ' ' && mark != '\uFFFD');

    /// <summary>These options; where they say nothing, those of <paramref name="other"/>.</summary>
    public ReadOptions Over(ReadOptions other) => new(
        Encoding ?? other.Encoding, Delimiter ?? other.Delimiter, Quote ?? other.Quote, HasHeader ?? other.HasHeader, SkippedLines ?? other.SkippedLines, DateOrder ?? other.DateOrder);
}
