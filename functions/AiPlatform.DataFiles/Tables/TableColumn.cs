namespace AiPlatform.DataFiles.Tables;

/// <summary>A column as its file declares it.</summary>
/// <param name="Name">Its name; unique in its table.</param>
/// <param name="Kind">How its values are held.</param>
/// <param name="Declared">The type that the file names, such as <c>int64</c>; <c>text</c> where the format has no types.</param>
/// <param name="IsOpaque">Whether its values have no flat form (bytes, nested lists): they are counted, not looked into.</param>
public sealed record TableColumn(string Name, VectorKind Kind, string Declared, bool IsOpaque = false);
