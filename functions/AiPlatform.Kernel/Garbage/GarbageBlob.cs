namespace AiPlatform.Kernel.Garbage;

/// <summary>A blob that nothing refers to any more.</summary>
/// <param name="Name">Within its container.</param>
/// <param name="SizeBytes">Null when it is not known.</param>
public sealed record GarbageBlob(string Name, long? SizeBytes);
