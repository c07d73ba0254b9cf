using AiPlatform.Kernel.Errors;
using Microsoft.DurableTask.Client;

namespace AiPlatform.Operations.DurableStatus;

/// <summary>Query parameters that select instances.</summary>
/// <param name="RuntimeStatus">Names of statuses, repeated or separated by commas.</param>
internal readonly record struct InstanceFilter(
    string[]? RuntimeStatus, DateTimeOffset? CreatedTimeFrom, DateTimeOffset? CreatedTimeTo, string? InstanceIdPrefix)
{
    /// <summary>The statuses; null for all.</summary>
    /// <exception cref="ApiException">400 for a name that is none.</exception>
    public IReadOnlyList<OrchestrationRuntimeStatus>? Statuses()
    {
        var names = (RuntimeStatus ?? []).SelectMany(static value => value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        var statuses = names.Select(static name => Enum.TryParse<OrchestrationRuntimeStatus>(name, ignoreCase: true, out var status) && !int.TryParse(name, out _)
            ? status
            : throw ApiException.Invalid("runtimeStatus", "wrongType")).ToList();
        return statuses.Count == 0 ? null : statuses;
    }
}
