namespace AiPlatform.TaskHub.Engine;

/// <summary>Ids of entities, <c>@name@key</c>; names ignore case and are kept in lower case.</summary>
internal static class EntityName
{
    /// <summary>Whether an instance id is an entity's, and its normal form.</summary>
    public static bool TryNormalize(string? instanceId, out string normal)
    {
        normal = string.Empty;
        if (instanceId is not ['@', ..] || instanceId.IndexOf('@', 1) is var end && end < 2)
        {
            return false;
        }

        normal = string.Concat("@", instanceId[1..end].ToLowerInvariant(), instanceId[end..]);
        return true;
    }

    /// <summary>The name within a normal id.</summary>
    public static string Of(string normalId) => normalId[1..normalId.IndexOf('@', 1)];
}
