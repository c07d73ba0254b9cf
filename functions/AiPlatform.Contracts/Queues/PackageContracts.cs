namespace AiPlatform.Contracts.Queues;

/// <summary>Uploads a package of Python modules. It never changes; a new version is a new package.</summary>
/// <param name="Files">Path → text; 1 to 200 files, together at most 1 MB.</param>
public sealed record CreateTaskPackageRequest(string Name, IReadOnlyDictionary<string, string> Files);

/// <summary>A package.</summary>
/// <param name="Bytes">All files together.</param>
public sealed record TaskPackage(string Id, string ProjectId, string Name, IReadOnlyList<string> Files, int Bytes, DateTimeOffset CreatedAt);

/// <summary>A package with its content, for runners.</summary>
public sealed record TaskPackageContent(string Id, IReadOnlyDictionary<string, string> Files);
