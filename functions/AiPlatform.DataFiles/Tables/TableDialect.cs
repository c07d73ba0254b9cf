namespace AiPlatform.DataFiles.Tables;

/// <summary>
/// How a file of text is written, found out or told: all that another reader needs to read it in the same way. A confidence is
/// between 0 and 1; what was told, and what a mark in the file says, has 1.
/// </summary>
/// <param name="Encoding">The name of the encoding; <c>utf-8-bom</c> where a mark stands before UTF-8.</param>
/// <param name="EncodingConfidence">How sure the encoding is.</param>
/// <param name="Delimiter">Between fields; null where the format has none.</param>
/// <param name="DelimiterConfidence">How sure the delimiter is.</param>
/// <param name="Quote">Around fields; doubled within them; null where the format has none.</param>
/// <param name="HasHeader">Whether the first record names the columns; null where the format has none.</param>
/// <param name="HeaderConfidence">How sure that is.</param>
/// <param name="SkippedLines">Lines before the first record: those that were told, or a line <c>sep=;</c>.</param>
/// <param name="Columns">The names: what the header says, made unique and not empty.</param>
/// <param name="Dates">Columns with dates such as <c>01/02/2024</c> at the beginning of the file, and how they are read.</param>
public sealed record TableDialect(
    string Encoding, double EncodingConfidence, string? Delimiter, double DelimiterConfidence, string? Quote, bool? HasHeader, double HeaderConfidence, int SkippedLines,
    IReadOnlyList<string> Columns, IReadOnlyList<DateColumn> Dates);
