using AiPlatform.DataFiles.Tables;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Data.Datasets.Preview;

/// <summary>Query parameters that say how a file of text is read; take them with <c>[AsParameters]</c>. What is not said is found out.</summary>
internal sealed class ReadingParameters
{
    /// <summary>Such as <c>gb18030</c>, <c>big5</c> or <c>windows-1251</c>.</summary>
    public string? Encoding { get; init; }

    /// <summary>One character, or <c>tab</c>.</summary>
    public string? Delimiter { get; init; }

    /// <summary>One character.</summary>
    public string? Quote { get; init; }

    /// <summary>Whether the first record names the columns.</summary>
    public bool? Header { get; init; }

    /// <summary>Lines before the first record.</summary>
    public int? SkippedLines { get; init; }

    /// <summary><c>dayFirst</c> or <c>monthFirst</c>.</summary>
    public string? DateOrder { get; init; }

    /// <summary>The options.</summary>
    /// <exception cref="ApiException">400 naming the parameter.</exception>
    public ReadOptions ToOptions()
    {
        Check.That(Encoding is null || ReadOptions.IsEncoding(Encoding), "encoding", "encoding", Encoding);
        return new ReadOptions(
            Encoding, Mark(Delimiter, "delimiter"), Mark(Quote, "quote"), Header,
            SkippedLines is { } lines ? Check.Range(lines, "skippedLines", 0, ReadOptions.MaxSkippedLines) : null, EnumText.Parse<DateOrder>(DateOrder, "dateOrder"));
    }

    private static char? Mark(string? text, string field)
    {
        if (text is null)
        {
            return null;
        }

        var mark = text is "tab" or "\\t" ? "\t" : text;
        Check.That(mark.Length == 1 && ReadOptions.IsMark(mark[0]), field, "mark");
        return mark[0];
    }
}
