namespace AiPlatform.TaskHub.Cli.Replay;

/// <summary>What a replay found.</summary>
/// <param name="Orchestrator">The orchestrator's name.</param>
/// <param name="Turns">Turns that were replayed.</param>
/// <param name="Difference">What the code does otherwise than the history says; null when it does the same.</param>
internal sealed record ReplayResult(string Orchestrator, int Turns, string? Difference);
