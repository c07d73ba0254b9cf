namespace AiPlatform.Kernel.Delivery;

/// <summary>
/// A table of receivers, whose <c>id</c> is the key of the rows. Each has its turn: the one whose oldest row has waited longest comes first, so that
/// many rows of one receiver do not stand before those of others.
/// </summary>
/// <param name="Table">The table.</param>
/// <param name="IsReady">The condition, in SQL about the receiver <c>t</c>, under which it may be called now.</param>
public sealed record DeliveryTargets(string Table, string IsReady);
