using System.Data.Common;

namespace AiPlatform.Hosting.TaskHubs;

/// <summary>
/// The connection string of Azure's Durable Task Scheduler and of our hub:
/// <c>Endpoint=https://…;TaskHub=…;Authentication=…</c> and, where the kind needs them, <c>ClientID</c>, <c>TenantId</c>,
/// <c>TokenFilePath</c>, <c>AdditionallyAllowedTenants</c>, <c>AccessKey</c>; for other clouds <c>AuthorityHost</c> and
/// <c>ResourceId</c>.
/// </summary>
public sealed class TaskHubConnectionString
{
    private readonly DbConnectionStringBuilder _values;

    /// <exception cref="ArgumentException">The text is not a connection string, or a required part is missing.</exception>
    public TaskHubConnectionString(string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        _values = new DbConnectionStringBuilder { ConnectionString = connectionString };
        var endpoint = Required("Endpoint");
        var url = endpoint.Contains("://", StringComparison.Ordinal) ? endpoint : $"https://{endpoint}";
        Endpoint = Uri.TryCreate(url, UriKind.Absolute, out var address)
            ? address
            : throw new ArgumentException(
                $"The task hub's connection string has the endpoint '{endpoint}', which is not an address.", nameof(connectionString));
        TaskHubName = Required("TaskHub");
        Authentication = Required("Authentication");
    }

    /// <summary>Where the hub listens.</summary>
    public Uri Endpoint { get; }

    /// <summary>The task hub.</summary>
    public string TaskHubName { get; }

    /// <summary>How to get a token; <see cref="TaskHubToken.Create"/> lists the kinds.</summary>
    public string Authentication { get; }

    /// <summary>The token of <c>Authentication=AccessKey</c>: the one that our hub was configured with.</summary>
    public string? AccessKey => Optional("AccessKey");

    /// <summary>The client id of a user-assigned or workload identity.</summary>
    public string? ClientId => Optional("ClientID");

    /// <summary>The tenant of a workload identity.</summary>
    public string? TenantId => Optional("TenantId");

    /// <summary>The token file of a workload identity.</summary>
    public string? TokenFilePath => Optional("TokenFilePath");

    /// <summary>Further tenants that a workload identity may get tokens for, separated by commas.</summary>
    public IReadOnlyList<string> AdditionallyAllowedTenants
        => Optional("AdditionallyAllowedTenants")?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    /// <summary>Where tokens come from, in another cloud than Azure's public one.</summary>
    public Uri? AuthorityHost => Optional("AuthorityHost") is not { } text ? null
        : Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps ? address
        : throw new ArgumentException("The task hub's connection string has an AuthorityHost that is not an https address.");

    /// <summary>The audience of tokens.</summary>
    public string ResourceId => (Optional("ResourceId") ?? "https://durabletask.io").TrimEnd('/');

    private string? Optional(string key)
        => _values.TryGetValue(key, out var value) && value is string { Length: > 0 } text ? text : null;

    private string Required(string key)
        => Optional(key) ?? throw new ArgumentException($"The task hub's connection string has no '{key}'.", nameof(key));
}
