using AiPlatform.Kernel.Http;

namespace AiPlatform.Kernel.Tick;

/// <summary>Section <c>Retention</c>: how long what only serves delivery is kept.</summary>
public sealed class RetentionOptions
{
    /// <summary>Live events, for subscribers that come back with <c>Last-Event-ID</c>.</summary>
    public TimeSpan Events { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Answers stored under idempotency keys.</summary>
    public TimeSpan IdempotencyKeys { get; set; } = TimeSpan.FromHours(24);
}
