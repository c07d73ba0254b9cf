namespace AiPlatform.DurableTask.Client.Entities;

/// <summary>Which entities to list.</summary>
public sealed record EntityQuery
{
    /// <summary>Entities per page when nothing is said.</summary>
    public const int DefaultPageSize = 100;

    private readonly string? _prefix;

    /// <summary>With addresses that begin so: <c>name</c> for names that begin so, <c>name@</c> for one name, <c>name@key</c> for keys that begin so.</summary>
    public string? InstanceIdStartsWith
    {
        get => _prefix;
        init => _prefix = string.IsNullOrEmpty(value) || value[0] == '@' ? value : $"@{value}";
    }

    /// <summary>Last changed at or after.</summary>
    public DateTimeOffset? LastModifiedFrom { get; init; }

    /// <summary>Last changed at or before.</summary>
    public DateTimeOffset? LastModifiedTo { get; init; }

    /// <summary>Whether states are fetched.</summary>
    public bool IncludeState { get; init; } = true;

    /// <summary>Whether entities without a state are listed: locked ones, and those that were deleted lately.</summary>
    public bool IncludeTransient { get; init; }

    /// <summary>Entities per page.</summary>
    public int PageSize { get; init; } = DefaultPageSize;

    /// <summary>Where to go on.</summary>
    public string? ContinuationToken { get; init; }
}

/// <summary>What to clean.</summary>
public readonly record struct CleanEntityStorageRequest
{
    /// <summary>All that is always safe to clean.</summary>
    public static CleanEntityStorageRequest Default => new() { RemoveEmptyEntities = true, ReleaseOrphanedLocks = true };

    /// <summary>Whether entities are removed that have no state, no lock and no waiting operations.</summary>
    public bool RemoveEmptyEntities { get; init; }

    /// <summary>Whether locks are released whose orchestration no longer runs.</summary>
    public bool ReleaseOrphanedLocks { get; init; }

    /// <summary>Where to go on.</summary>
    public string? ContinuationToken { get; init; }
}

/// <summary>What was cleaned.</summary>
public readonly record struct CleanEntityStorageResult
{
    /// <summary>Entities removed.</summary>
    public int EmptyEntitiesRemoved { get; init; }

    /// <summary>Locks released.</summary>
    public int OrphanedLocksReleased { get; init; }

    /// <summary>Where to go on; null when all is done.</summary>
    public string? ContinuationToken { get; init; }
}
