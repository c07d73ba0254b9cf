namespace AiPlatform.Contracts.Deliveries;

/// <summary>A delivery that was given up.</summary>
/// <param name="Id">Its id in its channel; its receiver knows repeats by it.</param>
/// <param name="Target">Whom it is for: the id of an orchestration, a webhook, a receiver.</param>
/// <param name="Event">What it tells, such as <c>model_version.created</c>.</param>
/// <param name="Attempts">How often it was tried.</param>
/// <param name="LastError">Why the last attempt failed.</param>
/// <param name="CreatedAt">When it came about.</param>
public sealed record ParkedDelivery(string Id, string Target, string Event, int Attempts, string? LastError, DateTimeOffset CreatedAt);
