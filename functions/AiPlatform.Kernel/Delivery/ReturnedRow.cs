namespace AiPlatform.Kernel.Delivery;

/// <summary>A row that was leased and not delivered.</summary>
/// <param name="Row">The row.</param>
/// <param name="IsTried">False: its attempt does not count.</param>
/// <param name="Pause">How long it waits.</param>
/// <param name="IsParked">It is given up.</param>
/// <param name="Error">Why it failed.</param>
internal sealed record ReturnedRow(DeliveryRow Row, bool IsTried, TimeSpan Pause, bool IsParked = false, string? Error = null);
