namespace AiPlatform.Functions.Infrastructure;

/// <summary>Section <c>Retention</c>: how long what only serves delivery is kept.</summary>
internal sealed class RetentionOptions
{
    /// <summary>Live events, for subscribers that come back with <c>Last-Event-ID</c>.</summary>
    public TimeSpan Events { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Answers stored under idempotency keys.</summary>
    public TimeSpan IdempotencyKeys { get; set; } = TimeSpan.FromHours(24);
}
