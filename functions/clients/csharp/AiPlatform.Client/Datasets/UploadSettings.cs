using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Client.Datasets;

/// <summary>How a new version is made.</summary>
public sealed record UploadSettings
{
    /// <summary>What people read about the version.</summary>
    public string? Description { get; init; }

    /// <summary>The version whose files are kept where no new file replaces them; null for a version of the given files only.</summary>
    public int? Parent { get; init; }

    /// <summary>With <see cref="Parent"/>: paths of files that are left out; a path that ends with <c>/</c> means the folder.</summary>
    public IReadOnlyList<string>? Remove { get; init; }

    /// <summary>Tags of the version.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Is called with the draft before anything is sent; null when nobody needs to know.</summary>
    public Func<DatasetVersion, CancellationToken, Task>? OnDraftAsync { get; init; }

    /// <summary>Blocks under way at the same time; each takes up to 8 MiB of memory.</summary>
    public int Parallelism { get; init; } = 4;

    /// <summary>How often one block is tried in all.</summary>
    public int MaxAttempts { get; init; } = 8;
}
