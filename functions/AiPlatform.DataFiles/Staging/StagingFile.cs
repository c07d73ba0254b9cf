namespace AiPlatform.DataFiles.Staging;

/// <summary>A file that is being staged.</summary>
/// <param name="Path">Where it is written.</param>
/// <param name="Reserve">Makes room for so many more bytes; it throws when there is none.</param>
internal sealed record StagingFile(string Path, Action<long> Reserve);
