using System.Data.Common;

namespace AiPlatform.DurableTask.Scheduler;

/// <summary>
/// The connection string of the managed scheduler and of our hub:
/// <c>Endpoint=https://…;TaskHub=…;Authentication=…</c> and, where the kind needs them, <c>ClientID</c>, <c>TenantId</c>, <c>TokenFilePath</c>.
/// </summary>
public sealed class DurableTaskSchedulerConnectionString
{
    private readonly DbConnectionStringBuilder _values;

    /// <exception cref="ArgumentException">The text is not a connection string, or a required part is missing.</exception>
    public DurableTaskSchedulerConnectionString(string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        _values = new DbConnectionStringBuilder { ConnectionString = connectionString };
        Endpoint = new Uri(Required("Endpoint"), UriKind.Absolute);
        TaskHubName = Required("TaskHub");
        Authentication = Required("Authentication");
    }

    /// <summary>Where the hub listens.</summary>
    public Uri Endpoint { get; }

    /// <summary>The task hub.</summary>
    public string TaskHubName { get; }

    /// <summary>How to get a token: <c>None</c>, <c>DefaultAzure</c>, <c>ManagedIdentity</c>, <c>WorkloadIdentity</c>, <c>Environment</c>, …</summary>
    public string Authentication { get; }

    /// <summary>The client id of a user-assigned or workload identity.</summary>
    public string? ClientId => Optional("ClientID");

    /// <summary>The tenant of a workload identity.</summary>
    public string? TenantId => Optional("TenantId");

    /// <summary>The token file of a workload identity.</summary>
    public string? TokenFilePath => Optional("TokenFilePath");

    private string? Optional(string key) => _values.TryGetValue(key, out var value) && value is string { Length: > 0 } text ? text : null;

    private string Required(string key)
        => Optional(key) ?? throw new ArgumentException($"The Durable Task connection string has no '{key}'.", nameof(key));
}
