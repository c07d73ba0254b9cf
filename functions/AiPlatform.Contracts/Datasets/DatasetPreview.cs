namespace AiPlatform.Contracts.Datasets;

/// <summary>Which rows or images a preview shows.</summary>
public enum PreviewMode
{
    /// <summary>The first ones.</summary>
    First,

    /// <summary>Random ones.</summary>
    Random,
}

/// <summary>A column.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="Kind"><c>text</c>, <c>integer</c>, <c>number</c>, <c>boolean</c> or <c>timestamp</c>: how its values are held.</param>
/// <param name="Declared">The type that the file names.</param>
public sealed record DataColumn(string Name, string Kind, string Declared);

/// <summary>A row.</summary>
/// <param name="Number">Its number in the file, from 1; null where only its bytes were found.</param>
/// <param name="Values">A text, number, boolean or null for each column.</param>
public sealed record DataRow(long? Number, IReadOnlyList<object?> Values);

/// <summary>Something wrong with a file.</summary>
/// <param name="Code">What is wrong: a stable code.</param>
/// <param name="Line">The line, from 1; null where there is none.</param>
/// <param name="Message">What it is, for people.</param>
public sealed record DataProblem(string Code, long? Line, string Message);

/// <summary>How the dates of a column are read, such as 01/02/2024.</summary>
/// <param name="Column">The column's name.</param>
/// <param name="Order"><c>dayFirst</c> or <c>monthFirst</c>; null when nothing tells: the column is ambiguous.</param>
/// <param name="Confidence">From 0 to 1.</param>
/// <param name="Contradictions">Values that can only be read in the other order.</param>
public sealed record DateReading(string Column, string? Order, double Confidence, long Contradictions);

/// <summary>How a file of text was read. What was guessed has a confidence below 1 and can be told by the query parameters of the same names.</summary>
/// <param name="Encoding">The encoding's name.</param>
/// <param name="EncodingConfidence">From 0 to 1; 1 for what was told or is certain.</param>
/// <param name="Delimiter">Between fields; null where the format has none.</param>
/// <param name="DelimiterConfidence">How sure the delimiter is, 0 to 1.</param>
/// <param name="Quote">Around fields; null where the format has none.</param>
/// <param name="Header">Whether the first record names the columns; null where the format has none.</param>
/// <param name="HeaderConfidence">How sure it is whether the first row is a header, 0 to 1.</param>
/// <param name="SkippedLines">Lines before the first record that are none.</param>
/// <param name="Dates">Columns of dates with the year last.</param>
public sealed record FileDialect(
    string Encoding, double EncodingConfidence, string? Delimiter, double DelimiterConfidence, string? Quote, bool? Header, double HeaderConfidence, int SkippedLines,
    IReadOnlyList<DateReading> Dates);

/// <summary>What is told about a file of text instead of found out; null is found out.</summary>
/// <param name="Encoding">Such as <c>gb18030</c>, <c>big5</c> or <c>windows-1251</c>.</param>
/// <param name="Delimiter">One character, or <c>tab</c>.</param>
/// <param name="Quote">One character.</param>
/// <param name="Header">Whether the first record names the columns.</param>
/// <param name="SkippedLines">Lines before the first record.</param>
/// <param name="DateOrder"><c>dayFirst</c> or <c>monthFirst</c>.</param>
public sealed record FileReading(
    string? Encoding = null, string? Delimiter = null, string? Quote = null, bool? Header = null, int? SkippedLines = null, string? DateOrder = null);

/// <summary>Rows of a file.</summary>
/// <param name="File">The path of the file that is shown.</param>
/// <param name="Columns">The columns.</param>
/// <param name="Rows">The rows, each with a value for every column.</param>
/// <param name="TotalRows">Rows of the file where that is known without reading it.</param>
/// <param name="ScannedRows">Rows that were looked at.</param>
/// <param name="IsComplete">False when looking ended early: more rows may match.</param>
/// <param name="Problems">What could not be read.</param>
/// <param name="Dialect">How the file was read; null for formats that are no text.</param>
public sealed record DatasetPreview(
    string File, IReadOnlyList<DataColumn> Columns, IReadOnlyList<DataRow> Rows, long? TotalRows, long ScannedRows, bool IsComplete, IReadOnlyList<DataProblem> Problems,
    FileDialect? Dialect = null);

/// <summary>An image of a grid.</summary>
/// <param name="Path">The image's path in the dataset.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Url">A short-lived URL of the image.</param>
/// <param name="Format">Its format by its bytes.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Problem">What is broken; null when its beginning is whole.</param>
public sealed record ImageTile(string Path, long Size, string Url, string Format, int Width, int Height, string? Problem);

/// <summary>Images of a version.</summary>
/// <param name="Images">The images.</param>
/// <param name="Total">Images of the version.</param>
public sealed record ImageGrid(IReadOnlyList<ImageTile> Images, long Total);
