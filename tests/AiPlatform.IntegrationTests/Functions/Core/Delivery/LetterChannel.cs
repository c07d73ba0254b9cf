using AiPlatform.Kernel.Delivery;

namespace AiPlatform.IntegrationTests.Functions.Core.Delivery;

/// <summary>An ordered channel without a table of receivers, as the outbox is one.</summary>
internal sealed class LetterChannel(Func<Letter, CancellationToken, Task<DeliveryAnswer>> deliver) : IDeliveryChannel<Letter>
{
    public const int MaxAttempts = 4;

    public static string Name => "letters";

    public static DeliveryTable Table { get; } = new("letters", "box", "d.text");

    public DeliveryPace Pace { get; init; } = new(Parallel: 8, Keys: 16, OfKey: 4, Timeout: TimeSpan.FromSeconds(5), Budget: TimeSpan.FromSeconds(5));

    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(20);

    public Task<DeliveryAnswer> DeliverAsync(Letter row, CancellationToken cancellationToken) => deliver(row, cancellationToken);

    public TimeSpan? PauseAfter(Letter row, DeliveryAnswer answer) => row.Attempts >= MaxAttempts ? null : Pause;
}
