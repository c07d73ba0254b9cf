namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>What may be done with an entity; the names are those of the administration protocol.</summary>
internal enum EntityStatus
{
    Active,
    Disabled,
    SendDisabled,
    ReceiveDisabled,
}

/// <summary>What an entity is.</summary>
internal enum EntityKind : short
{
    Queue = 0,
    Topic = 1,
    Subscription = 2,
}
