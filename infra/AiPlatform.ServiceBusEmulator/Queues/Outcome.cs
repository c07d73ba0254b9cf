namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>What a receiver decides about a message that it holds.</summary>
internal enum OutcomeKind
{
    Complete,
    Abandon,
    Defer,
    DeadLetter,
}

/// <summary>A receiver's decision, with the application properties that it changes.</summary>
internal sealed record Outcome(OutcomeKind Kind, IReadOnlyDictionary<string, object>? Changes = null, string? Reason = null, string? Description = null)
{
    internal static readonly Outcome Completed = new(OutcomeKind.Complete);
}
