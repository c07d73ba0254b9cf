namespace AiPlatform.Kernel.Delivery;

/// <summary>What came of one attempt.</summary>
/// <param name="Error">Why it failed; null when the receiver has taken it.</param>
public sealed record DeliveryAnswer(string? Error = null)
{
    /// <summary>The receiver has taken it.</summary>
    public static DeliveryAnswer Delivered { get; } = new();

    /// <summary>The HTTP status of a receiver that has one.</summary>
    public int? Status { get; init; }

    /// <summary>How long the receiver asks to be left alone.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The receiver is there and does not want this row: it is given up at once, and the next ones go on.</summary>
    public bool IsRefused { get; init; }

    /// <summary>The attempt never came to its receiver: the fault is ours, and its text for operators alone.</summary>
    internal bool IsFault { get; init; }
}
