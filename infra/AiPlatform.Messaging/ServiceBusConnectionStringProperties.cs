namespace AiPlatform.Messaging;

/// <summary>The parts of a Service Bus connection string.</summary>
public sealed class ServiceBusConnectionStringProperties
{
    private ServiceBusConnectionStringProperties(Uri endpoint)
    {
        Endpoint = endpoint;
    }

    /// <summary>The address of the namespace, <c>sb://host[:port]/</c>.</summary>
    public Uri Endpoint { get; }

    /// <summary>The host name of the namespace.</summary>
    public string FullyQualifiedNamespace => Endpoint.Host;

    /// <summary>The entity that the string is for, when it names one.</summary>
    public string? EntityPath { get; private init; }

    /// <summary>The name of the shared access policy.</summary>
    public string? SharedAccessKeyName { get; private init; }

    /// <summary>The key of the shared access policy.</summary>
    public string? SharedAccessKey { get; private init; }

    /// <summary>A ready-made token, instead of a key.</summary>
    public string? SharedAccessSignature { get; private init; }

    /// <summary>Whether the endpoint is an emulator: plain TCP, port 5672 unless the endpoint names another.</summary>
    public bool UseDevelopmentEmulator { get; private init; }

    /// <summary>Reads a connection string.</summary>
    /// <exception cref="FormatException">The string is malformed, or a required part is missing; the message names the part, never a secret.</exception>
    public static ServiceBusConnectionStringProperties Parse(string connectionString)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        var parts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in connectionString.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var separator = part.IndexOf('=', StringComparison.Ordinal);
            if (separator <= 0)
            {
                throw new FormatException("The Service Bus connection string has a part that is not Name=Value.");
            }

            parts[part[..separator].Trim()] = part[(separator + 1)..].Trim();
        }

        if (!parts.TryGetValue("Endpoint", out var text) || !Uri.TryCreate(text, UriKind.Absolute, out var endpoint) || endpoint.Host.Length == 0)
        {
            throw new FormatException("The Service Bus connection string needs Endpoint=sb://host/.");
        }

        var properties = new ServiceBusConnectionStringProperties(endpoint)
        {
            EntityPath = parts.GetValueOrDefault("EntityPath"),
            SharedAccessKeyName = parts.GetValueOrDefault("SharedAccessKeyName"),
            SharedAccessKey = parts.GetValueOrDefault("SharedAccessKey"),
            SharedAccessSignature = parts.GetValueOrDefault("SharedAccessSignature"),
            UseDevelopmentEmulator = string.Equals(parts.GetValueOrDefault("UseDevelopmentEmulator"), "true", StringComparison.OrdinalIgnoreCase),
        };
        var hasKey = properties.SharedAccessKeyName is { Length: > 0 } && properties.SharedAccessKey is { Length: > 0 };
        if (!hasKey && properties.SharedAccessSignature is not { Length: > 0 })
        {
            throw new FormatException("The Service Bus connection string needs SharedAccessKeyName and SharedAccessKey, or SharedAccessSignature.");
        }

        return properties;
    }
}
