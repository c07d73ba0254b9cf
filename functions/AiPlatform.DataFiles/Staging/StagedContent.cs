using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Staging;

/// <summary>What is known about a staged table besides its rows.</summary>
/// <param name="Columns">The columns of a text file as its reader found them; null for Parquet, whose own schema holds.</param>
/// <param name="Issues">What was wrong with the file and could be read over.</param>
internal sealed record StagedContent(IReadOnlyList<TableColumn>? Columns, DataIssues Issues)
{
    /// <summary>How a text file is written.</summary>
    public TableDialect? Dialect { get; init; }

    /// <summary>The line in which a text file stops inside of a record; null when it does not.</summary>
    public long? CutAtLine { get; init; }

    /// <summary>Why the rest of the file could not be read; null when it was.</summary>
    public DataFormatException? Failure { get; init; }

    /// <summary>What was wrong, the end of reading among it; further issues can be added.</summary>
    public DataIssues AllIssues()
    {
        var issues = Issues.Copy();
        if (Failure is { } failure)
        {
            issues.Add(failure.Code, failure.Line, failure.Message);
        }

        return issues;
    }
}
