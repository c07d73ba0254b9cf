using Microsoft.DurableTask.Protobuf;

namespace AiPlatform.Hosting.TaskHubs;

/// <summary>An instance that has not moved for long.</summary>
/// <param name="Instance">The instance, without payloads.</param>
/// <param name="Idle">How long it has not moved.</param>
/// <param name="Reason">What it waits for.</param>
/// <param name="WaitingFor">The name of the oldest activity that has not ended; null for other reasons.</param>
public sealed record StuckInstance(OrchestrationState Instance, TimeSpan Idle, StuckReason Reason, string? WaitingFor);
