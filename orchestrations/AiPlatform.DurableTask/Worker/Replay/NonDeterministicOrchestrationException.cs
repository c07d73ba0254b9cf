namespace AiPlatform.DurableTask.Worker.Replay;

/// <summary>An orchestrator's code did something else than its history says: it was changed while instances ran, or is not deterministic.</summary>
public sealed class NonDeterministicOrchestrationException(string message) : Exception(message);
