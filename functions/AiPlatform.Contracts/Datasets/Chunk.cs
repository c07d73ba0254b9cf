namespace AiPlatform.Contracts.Datasets;

/// <summary>A piece of a large file.</summary>
/// <param name="Sha256">32 bytes.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct Chunk(byte[] Sha256, int Length);
