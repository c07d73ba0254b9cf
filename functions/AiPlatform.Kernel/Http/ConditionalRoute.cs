namespace AiPlatform.Kernel.Http;

/// <summary>Marks routes that change something only if it is still what the caller has seen.</summary>
public sealed class ConditionalRoute
{
    /// <summary>The mark.</summary>
    public static ConditionalRoute Instance { get; } = new();
}
