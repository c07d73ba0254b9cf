namespace AiPlatform.Data.Datasets.Preview;

/// <summary>Query parameters that say what the rows of a version are compared with; take them with <c>[AsParameters]</c>.</summary>
/// <param name="From">The version to compare with.</param>
/// <param name="Key">The columns that name a row, apart by commas.</param>
/// <param name="File">The path of the file; the first table of the version when absent.</param>
/// <param name="FromFile">The path of the file in that version; the same when absent.</param>
/// <param name="Rows">The most rows of each kind that are shown.</param>
internal readonly record struct RowDiffParameters(int From, string Key, string? File, string? FromFile, int? Rows);
