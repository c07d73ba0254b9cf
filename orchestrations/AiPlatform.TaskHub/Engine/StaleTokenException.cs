namespace AiPlatform.TaskHub.Engine;

/// <summary>A completion or abandonment whose work item was delivered again, done or cancelled in the meantime. Nothing was changed.</summary>
internal sealed class StaleTokenException() : Exception("The work item was delivered again, done or cancelled in the meantime.");
