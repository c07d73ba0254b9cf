namespace AiPlatform.Messaging.Administration;

/// <summary>Names of the settings that queues and topics have in common.</summary>
internal static class SendableFields
{
    internal const string MaxSize = "MaxSizeInMegabytes";
    internal const string RequiresDuplicateDetection = "RequiresDuplicateDetection";
    internal const string DuplicateWindow = "DuplicateDetectionHistoryTimeWindow";
}
