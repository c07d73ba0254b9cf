using AiPlatform.Ports.MLflow;

namespace AiPlatform.Tracking.Search;

/// <summary>MLflow's view types: which of active and deleted things are shown.</summary>
internal readonly record struct LifecycleView(bool Active, bool Deleted)
{
    /// <summary>The view of this name; active things without one.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static LifecycleView Of(string? name) => name switch
    {
        null or "" or "ACTIVE_ONLY" => new LifecycleView(Active: true, Deleted: false),
        "DELETED_ONLY" => new LifecycleView(Active: false, Deleted: true),
        "ALL" => new LifecycleView(Active: true, Deleted: true),
        _ => throw MLflowException.Invalid($"Invalid view type '{name}'. Use one of ACTIVE_ONLY, DELETED_ONLY, ALL."),
    };

    /// <summary>Whether something is in the view.</summary>
    public bool Shows(bool isDeleted) => isDeleted ? Deleted : Active;

    /// <summary>The condition on the time of deletion, beginning with <c> AND</c>.</summary>
    public string Sql(string column) => this switch
    {
        { Active: true, Deleted: true } => string.Empty,
        { Active: true } => $" AND {column} IS NULL",
        _ => $" AND {column} IS NOT NULL",
    };
}
