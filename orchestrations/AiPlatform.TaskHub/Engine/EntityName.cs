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

    /// <summary>The normal form of how an id starts: the first "@" may be left out, and the name ignores case.</summary>
    public static string NormalizePrefix(string prefix)
    {
        var whole = prefix.StartsWith('@') ? prefix : "@" + prefix;
        var end = whole.IndexOf('@', 1);
        return end < 0 ? whole.ToLowerInvariant() : string.Concat(whole[..end].ToLowerInvariant(), whole[end..]);
    }

    /// <summary>The name within a normal id.</summary>
    public static string Of(string normalId) => normalId[1..normalId.IndexOf('@', 1)];
}
