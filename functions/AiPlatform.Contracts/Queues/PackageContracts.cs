namespace AiPlatform.Contracts.Queues;

/// <summary>Uploads a package of Python modules. It never changes; a new version is a new package.</summary>
/// <example>{"name": "words", "files": {"words.py": "def count(text):\n    return len(text.split())\n"}}</example>
/// <param name="Name">Its name.</param>
/// <param name="Files">Path → text; 1 to 200 files, together at most 1 MB.</param>
public sealed record CreateTaskPackageRequest(string Name, IReadOnlyDictionary<string, string> Files);

/// <summary>A package.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="ProjectId">The project's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Files">The paths of its files.</param>
/// <param name="Bytes">All files together.</param>
/// <param name="CreatedAt">When it was created.</param>
public sealed record TaskPackage(string Id, string ProjectId, string Name, IReadOnlyList<string> Files, int Bytes, DateTimeOffset CreatedAt);

/// <summary>A package with its content, for runners.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="Files">Path → text.</param>
public sealed record TaskPackageContent(string Id, IReadOnlyDictionary<string, string> Files);
