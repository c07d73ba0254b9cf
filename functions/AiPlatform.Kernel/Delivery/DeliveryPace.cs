namespace AiPlatform.Kernel.Delivery;

/// <summary>How much a channel does at once.</summary>
/// <param name="Parallel">Attempts at the same time in one process.</param>
/// <param name="Keys">Keys that one process holds under lease at the same time; more than <paramref name="Parallel"/> keeps a fast receiver busy.</param>
/// <param name="OfKey">Rows of one key that are leased together, where the channel has targets.</param>
/// <param name="Timeout">How long an attempt may take.</param>
/// <param name="Budget">No attempt begins so long after its row was leased.</param>
public sealed record DeliveryPace(int Parallel, int Keys, int OfKey, TimeSpan Timeout, TimeSpan Budget)
{
    /// <summary>Longer than the budget and one more attempt: what is under way is nobody else's.</summary>
    public TimeSpan Lease => Budget + (2 * Timeout);
}
