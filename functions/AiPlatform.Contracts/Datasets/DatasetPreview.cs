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
/// <param name="Kind"><c>text</c>, <c>integer</c>, <c>number</c>, <c>boolean</c> or <c>timestamp</c>: how its values are held.</param>
/// <param name="Declared">The type that the file names.</param>
public sealed record DataColumn(string Name, string Kind, string Declared);

/// <summary>A row.</summary>
/// <param name="Number">Its number in the file, from 1; null where only its bytes were found.</param>
/// <param name="Values">A text, number, boolean or null for each column.</param>
public sealed record DataRow(long? Number, IReadOnlyList<object?> Values);

/// <summary>Something wrong with a file.</summary>
public sealed record DataProblem(string Code, long? Line, string Message);

/// <summary>Rows of a file.</summary>
/// <param name="TotalRows">Rows of the file where that is known without reading it.</param>
/// <param name="ScannedRows">Rows that were looked at.</param>
/// <param name="IsComplete">False when looking ended early: more rows may match.</param>
public sealed record DatasetPreview(
    string File, IReadOnlyList<DataColumn> Columns, IReadOnlyList<DataRow> Rows, long? TotalRows, long ScannedRows, bool IsComplete, IReadOnlyList<DataProblem> Problems);

/// <summary>An image of a grid.</summary>
/// <param name="Url">A short-lived URL of the image.</param>
/// <param name="Format">Its format by its bytes.</param>
/// <param name="Problem">What is broken; null when its beginning is whole.</param>
public sealed record ImageTile(string Path, long Size, string Url, string Format, int Width, int Height, string? Problem);

/// <summary>Images of a version.</summary>
public sealed record ImageGrid(IReadOnlyList<ImageTile> Images, long Total);
