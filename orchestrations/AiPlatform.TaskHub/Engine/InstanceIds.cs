namespace AiPlatform.TaskHub.Engine;

/// <summary>The one rule for ids of instances and entities, whoever names them: a client, an orchestrator or an entity.</summary>
internal static class InstanceIds
{
    /// <summary>The longest id.</summary>
    public const int MaxLength = 1024;

    /// <summary>Whether it can be an id.</summary>
    public static bool IsValid(string? id) => id is { Length: > 0 and <= MaxLength } && !id.Any(char.IsControl);
}
