namespace AiPlatform.Messaging;

/// <summary>Settings of a <see cref="ServiceBusClient"/>.</summary>
public sealed class ServiceBusClientOptions
{
    /// <summary>How operations are repeated after transient failures.</summary>
    public ServiceBusRetryOptions RetryOptions { get; set; } = new();

    /// <summary>A name for the client in logs; random when empty.</summary>
    public string Identifier { get; set; } = string.Empty;

    /// <summary>Where the TCP connection goes when it is not the namespace itself (a proxy, a private endpoint).</summary>
    public Uri? CustomEndpointAddress { get; set; }

    /// <summary>How long a silent connection is kept before it counts as lost.</summary>
    public TimeSpan ConnectionIdleTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long the signatures live that are made from a shared access key.</summary>
    internal TimeSpan TokenLifetime { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Decides about the server's certificate in place of the system's trusted authorities.</summary>
    internal System.Net.Security.RemoteCertificateValidationCallback? CertificateValidation { get; set; }

    internal TimeProvider Time { get; set; } = TimeProvider.System;
}
