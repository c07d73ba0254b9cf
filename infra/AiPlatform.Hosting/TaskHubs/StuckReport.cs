namespace AiPlatform.Hosting.TaskHubs;

/// <summary>Instances that have not moved for long.</summary>
/// <param name="Instances">The instances, oldest first.</param>
/// <param name="Examined">Unfinished instances that were looked at.</param>
/// <param name="IsComplete">False when a limit ended the search.</param>
public sealed record StuckReport(IReadOnlyList<StuckInstance> Instances, int Examined, bool IsComplete);
