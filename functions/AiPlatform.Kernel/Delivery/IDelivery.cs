namespace AiPlatform.Kernel.Delivery;

/// <summary>What writers of a channel's rows know of its engine.</summary>
/// <typeparam name="TChannel">The channel.</typeparam>
public interface IDelivery<TChannel>
{
    /// <summary>Delivers what waits, now. Call it when the rows are committed; without it they are found within a second.</summary>
    void Wake();
}
