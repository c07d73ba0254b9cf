using Azure.Identity;
using Azure.Messaging.ServiceBus;
using Microsoft.Extensions.Configuration;

namespace AiPlatform.Hosting.ServiceBus;

/// <summary>
/// How a process reaches Service Bus; its settings alone decide. <c>ConnectionStrings:ServiceBus</c> is a connection string with a key or a
/// signature, or names only the namespace (<c>Endpoint=sb://NAME.servicebus.windows.net</c>, or the host name by itself): then the process
/// shows its own identity. <c>ServiceBus:fullyQualifiedNamespace</c> says the same in the form of identity-based connections of Azure
/// Functions; <c>ServiceBus:clientId</c> chooses among user-assigned identities.
/// </summary>
public static class ServiceBusConnection
{
    private const string Name = "ServiceBus";

    // A broker that is back is found again within seconds, however long it was away.
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>Whether a setting names a namespace.</summary>
    public static bool IsConfigured(IConfiguration configuration) => Setting(configuration) is not null;

    /// <summary>The client that the settings describe; one serves a whole process.</summary>
    /// <exception cref="InvalidOperationException">No setting names a namespace.</exception>
    /// <exception cref="FormatException">The connection string is malformed.</exception>
    public static ServiceBusClient Create(IConfiguration configuration)
        => TryCreate(configuration)
            ?? throw new InvalidOperationException("Set ConnectionStrings__ServiceBus, or ServiceBus__fullyQualifiedNamespace for a connection by identity.");

    /// <summary>As <see cref="Create"/>; null when no setting names a namespace.</summary>
    public static ServiceBusClient? TryCreate(IConfiguration configuration)
        => Setting(configuration) is not { } setting ? null
            : NamespaceOf(setting) is { } host ? new ServiceBusClient(host, Identity(configuration), Options())
            : new ServiceBusClient(setting, Options());

    private static string? Setting(IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return Given(configuration.GetConnectionString(Name)) ?? Given(configuration[$"{Name}:fullyQualifiedNamespace"]);

        static string? Given(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
    }

    // Null for a connection string that brings its own credential.
    private static string? NamespaceOf(string setting)
    {
        if (!setting.Contains('=', StringComparison.Ordinal))
        {
            return setting;
        }

        var properties = ServiceBusConnectionStringProperties.Parse(setting);
        return properties.SharedAccessKey is null && properties.SharedAccessSignature is null ? properties.FullyQualifiedNamespace : null;
    }

    private static DefaultAzureCredential Identity(IConfiguration configuration)
        => configuration[$"{Name}:clientId"] is { Length: > 0 } clientId
            ? new DefaultAzureCredential(new DefaultAzureCredentialOptions { ManagedIdentityClientId = clientId })
            : new DefaultAzureCredential();

    private static ServiceBusClientOptions Options() => new() { RetryOptions = { MaxDelay = LongestPause } };
}
