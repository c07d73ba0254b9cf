namespace AiPlatform.Orchestrations.Platform;

/// <summary>The platform refused a call for good: repeating it cannot help.</summary>
public sealed class PlatformRefusedException(string message, Exception inner) : Exception(message, inner);
