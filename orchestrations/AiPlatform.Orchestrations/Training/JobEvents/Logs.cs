using Azure.Messaging.ServiceBus;

namespace AiPlatform.Orchestrations.Training.JobEvents;

/// <summary>Log messages of the consumer of job events.</summary>
internal static partial class Logs
{
    [LoggerMessage(900, LogLevel.Warning, "Job events, {Source}: {Reason}")]
    public static partial void BrokerFailed(ILogger logger, ServiceBusErrorSource source, string reason);

    [LoggerMessage(901, LogLevel.Warning, "The job event {EventId} waits for the platform: {Reason}")]
    public static partial void PlatformAway(ILogger logger, string eventId, string reason);

    [LoggerMessage(902, LogLevel.Error, "The job event in message {MessageId} is a dead letter ({Code}): {Reason}")]
    public static partial void EventRefused(ILogger logger, string messageId, string code, string reason);
}
