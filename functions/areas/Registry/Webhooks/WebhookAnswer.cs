namespace AiPlatform.Registry.Webhooks;

/// <summary>What came of one attempt.</summary>
/// <param name="Status">The receiver's HTTP status; null when there was no answer.</param>
/// <param name="Body">The begin of its answer.</param>
/// <param name="Error">Why there was no answer.</param>
/// <param name="RetryAfter">How long the receiver asks to be left alone.</param>
/// <param name="Milliseconds">How long it took.</param>
internal sealed record WebhookAnswer(int? Status, string? Body, string? Error, TimeSpan? RetryAfter, long Milliseconds)
{
    /// <summary>The receiver has taken the event. A redirect is a failure: it is not followed.</summary>
    public bool Success => Status is >= 200 and < 300;
}
