using AiPlatform.DataFiles.Sources;

namespace AiPlatform.DataFiles.Quality;

/// <summary>A file of a version, for profiling.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Source">Its bytes.</param>
public sealed record QualityFile(string Path, IByteSource Source);

/// <summary>What a profiling step tells while it works.</summary>
/// <param name="Files">Files done.</param>
/// <param name="Rows">Rows or images done.</param>
/// <param name="Bytes">Bytes of the files done so far.</param>
public sealed record QualityProgress(long Files, long Rows, long Bytes);
