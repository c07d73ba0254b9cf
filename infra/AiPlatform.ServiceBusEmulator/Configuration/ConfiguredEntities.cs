using AiPlatform.ServiceBusEmulator.Entities;

namespace AiPlatform.ServiceBusEmulator.Configuration;

/// <summary>The entities that the settings name: one by one, or in a file in the shape of Microsoft's emulator.</summary>
internal static class ConfiguredEntities
{
    /// <exception cref="FormatException">The file is not in that shape.</exception>
    internal static List<EntityDefinition> Read(ServiceBusOptions options)
    {
        var result = options.ConfigFile.Length > 0 ? EmulatorConfigFile.Read(options.ConfigFile) : [];
        result.AddRange(options.Queues.Select(ToDefinition));
        return result;
    }

    private static EntityDefinition ToDefinition(QueueOptions queue) => new()
    {
        Name = queue.Name,
        Kind = EntityKind.Queue,
        Properties = new EntityProperties
        {
            LockDuration = TimeSpan.FromSeconds(queue.LockDurationSeconds),
            MaxDeliveryCount = queue.MaxDeliveryCount,
            DeadLetteringOnMessageExpiration = queue.DeadLetteringOnMessageExpiration,
            RequiresSession = queue.RequiresSession,
            RequiresDuplicateDetection = queue.RequiresDuplicateDetection,
        },
    };
}
