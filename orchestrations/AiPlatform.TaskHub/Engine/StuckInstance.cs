namespace AiPlatform.TaskHub.Engine;

/// <summary>An instance that does not get on.</summary>
/// <param name="InstanceId">Its id.</param>
/// <param name="Status">Its status, or "parked".</param>
/// <param name="Reason">What it waits for.</param>
/// <param name="Since">Since when (UTC).</param>
internal sealed record StuckInstance(string InstanceId, string Status, string Reason, DateTime Since);
