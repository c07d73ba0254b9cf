using System.Diagnostics;

namespace AiPlatform.Messaging.Transport;

/// <summary>Carries the trace of the sender to the handler of a message.</summary>
internal static class MessagingActivity
{
    internal const string TraceParent = "traceparent";
    internal const string DiagnosticId = "Diagnostic-Id";

    private static readonly ActivitySource Source = new("AiPlatform.Messaging");

    internal static Activity? StartProcess(ServiceBusReceivedMessage message, string entityPath)
    {
        var parent = message.ApplicationProperties.TryGetValue(TraceParent, out var value) || message.ApplicationProperties.TryGetValue(DiagnosticId, out value)
            ? value as string
            : null;
        _ = ActivityContext.TryParse(parent, null, out var context);
        var activity = Source.StartActivity("ServiceBusProcessor.ProcessMessage", ActivityKind.Consumer, context);
        activity?.SetTag("messaging.system", "servicebus");
        activity?.SetTag("messaging.destination.name", entityPath);
        activity?.SetTag("messaging.message.id", message.MessageId);
        return activity;
    }
}
