namespace AiPlatform.Local.Quickstart;

/// <summary>How far the quickstart of a data directory is.</summary>
/// <param name="JobId">The job that was submitted.</param>
/// <param name="Succeeded">Whether it ended well.</param>
internal sealed record QuickstartState(string JobId, bool Succeeded);
