namespace AiPlatform.Messaging.Administration;

/// <summary>What may be done with an entity.</summary>
public enum EntityStatus
{
    /// <summary>Messages are sent and received.</summary>
    Active,

    /// <summary>Nothing is sent or received.</summary>
    Disabled,

    /// <summary>Messages are only received.</summary>
    SendDisabled,

    /// <summary>Messages are only sent.</summary>
    ReceiveDisabled,
}
