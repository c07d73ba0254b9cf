namespace AiPlatform.Functions.Infrastructure;

/// <summary>
/// Handles the messages of one Service Bus trigger. Register with <c>services.AddSingleton&lt;IQueueTrigger, T&gt;()</c>;
/// the function folder <c>functions/triggers/{Function}</c> holds the binding.
/// </summary>
internal interface IQueueTrigger
{
    /// <summary>The function's name, which is also the path of its invocations.</summary>
    string Function { get; }

    /// <summary>
    /// Handles one message; it may come more than once. An exception abandons the message, so that it comes again until
    /// the queue's delivery limit dead-letters it.
    /// </summary>
    Task HandleAsync(QueueMessage message, CancellationToken cancellationToken);
}

/// <summary>One message of a queue.</summary>
/// <param name="Body">The message's text (JSON for the platform's own queues).</param>
/// <param name="MessageId">As the sender set it; null when the host did not say.</param>
/// <param name="DeliveryCount">From 1.</param>
internal sealed record QueueMessage(string Body, string? MessageId, int DeliveryCount);
