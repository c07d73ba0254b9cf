namespace AiPlatform.Kernel.Delivery;

/// <summary>What came of the rows of one key that were leased together.</summary>
/// <param name="Key">Whom they are for.</param>
/// <param name="Delivered">Taken by the receiver.</param>
/// <param name="Failed">Tried, and not taken; in the order of the attempts.</param>
public sealed record DeliveryGroup<TRow>(string Key, IReadOnlyList<TRow> Delivered, IReadOnlyList<(TRow Row, DeliveryAnswer Answer)> Failed)
    where TRow : DeliveryRow
{
    /// <summary>The newest failure; null when everything that was tried was taken.</summary>
    public DeliveryAnswer? Failure => Failed.Count == 0 ? null : Failed[^1].Answer;
}
