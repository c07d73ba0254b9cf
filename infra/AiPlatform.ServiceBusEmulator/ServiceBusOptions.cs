namespace AiPlatform.ServiceBusEmulator;

/// <summary>Settings of the broker, section <c>ServiceBus</c>.</summary>
public sealed class ServiceBusOptions
{
    /// <summary>The address on which AMQP is served.</summary>
    public string AmqpAddress { get; set; } = "127.0.0.1";

    /// <summary>The TCP port on which AMQP is served.</summary>
    public int AmqpPort { get; set; } = 5672;

    /// <summary>The TCP port on 127.0.0.1 of the administration API, <c>/health</c> and <c>/metrics</c>; <c>ASPNETCORE_URLS</c> decides when it is 0.</summary>
    public int HttpPort { get; set; }

    /// <summary>The TCP port on which AMQP is served over TLS; 0 for none.</summary>
    public int AmqpsPort { get; set; }

    /// <summary>The TCP port on 127.0.0.1 on which the administration API is served over TLS, as official administration clients want it; 0 for none.</summary>
    public int HttpsPort { get; set; }

    /// <summary>The folder with <c>servicebus.crt</c> and <c>servicebus.key</c> for the TLS ports; a self-signed pair is made where they are missing.</summary>
    public string TlsDirectory { get; set; } = "tls";

    /// <summary>The name of the shared access policy that clients use.</summary>
    public string SharedAccessKeyName { get; set; } = "RootManageSharedAccessKey";

    /// <summary>The key of the shared access policy. Required.</summary>
    public string SharedAccessKey { get; set; } = string.Empty;

    /// <summary>The largest message or batch, in bytes.</summary>
    public int MaxMessageSizeBytes { get; set; } = 1024 * 1024;

    /// <summary>The most bytes of accepted but not yet durable messages; beyond it senders are told that the broker is busy.</summary>
    public long MaxInFlightBytes { get; set; } = 128 * 1024 * 1024;

    /// <summary>Connections that have shown no credential yet; a further one ends the oldest of them.</summary>
    public int MaxStrangers { get; set; } = 2_000;

    /// <summary>How long a sender's or receiver's link may be without use before the broker detaches it, in seconds; ten minutes as in the service.</summary>
    public double LinkIdleTimeoutSeconds { get; set; } = 600;

    /// <summary>A file of queues, topics, subscriptions and rules in the shape of the <c>Config.json</c> of Microsoft's emulator.</summary>
    public string ConfigFile { get; set; } = string.Empty;

    /// <summary>Whose JSON web tokens are accepted.</summary>
    public JwtOptions Jwt { get; set; } = new();

    /// <summary>The queues. In the configuration each is a name, or an object with these properties.</summary>
    public List<QueueOptions> Queues { get; set; } = [];
}

/// <summary>Settings of one queue.</summary>
public sealed class QueueOptions
{
    /// <summary>The queue's name; case does not matter.</summary>
    public string Name { get; set; } = string.Empty;

    /// <summary>How many times a message is delivered before it is dead-lettered.</summary>
    public int MaxDeliveryCount { get; set; } = 10;

    /// <summary>How long a receiver holds a message before it must renew the lock, in seconds.</summary>
    public double LockDurationSeconds { get; set; } = 60;

    /// <summary>Whether a message whose time to live is over goes to the dead-letter queue instead of nowhere.</summary>
    public bool DeadLetteringOnMessageExpiration { get; set; }

    /// <summary>Whether messages belong to sessions and are received session by session.</summary>
    public bool RequiresSession { get; set; }

    /// <summary>Whether messages with an id that was seen in the last ten minutes are dropped.</summary>
    public bool RequiresDuplicateDetection { get; set; }
}

/// <summary>Which JSON web tokens are accepted; none unless an authority or a key is given.</summary>
public sealed class JwtOptions
{
    /// <summary>The issuer's address; its keys are read from its OpenID configuration.</summary>
    public string Authority { get; set; } = string.Empty;

    /// <summary>The issuer in tokens, where it is not what the OpenID configuration says.</summary>
    public string Issuer { get; set; } = string.Empty;

    /// <summary>The audience that tokens must be for.</summary>
    public string Audience { get; set; } = "https://servicebus.azure.net";

    /// <summary>A shared key (HMAC) for tokens, in place of an authority.</summary>
    public string SigningKey { get; set; } = string.Empty;
}
