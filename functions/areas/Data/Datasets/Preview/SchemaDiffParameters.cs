namespace AiPlatform.Data.Datasets.Preview;

/// <summary>Query parameters that say what a version is compared with; take them with <c>[AsParameters]</c>.</summary>
/// <param name="From">The version to compare with.</param>
/// <param name="File">The path of the file; the first table of the version when absent.</param>
/// <param name="FromFile">The path of the file in that version; the same when absent.</param>
internal readonly record struct SchemaDiffParameters(int From, string? File, string? FromFile);
