namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>How entities are addressed. Case never matters; names are compared in lower case.</summary>
internal static class EntityNames
{
    internal const string Subscriptions = "/subscriptions/";
    internal const string DeadLetterSuffix = "/$deadletterqueue";
    internal const string TransferDeadLetterSuffix = "/$transfer/$deadletterqueue";

    private const int MaxLength = 260;
    private const int MaxSubscriptionLength = 50;

    internal static string Subscription(string topic, string subscription) => $"{topic}/Subscriptions/{subscription}";

    /// <summary>The topic and subscription in an address; null when it is not a subscription's.</summary>
    internal static (string Topic, string Subscription)? Split(string name)
    {
        var at = name.LastIndexOf(Subscriptions, StringComparison.OrdinalIgnoreCase);
        return at > 0 ? (name[..at], name[(at + Subscriptions.Length)..]) : null;
    }

    /// <summary>The entity in an address that may be a whole URI, without slashes around it.</summary>
    internal static string PathOf(string address)
    {
        var path = address;
        var scheme = path.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            var slash = path.IndexOf('/', scheme + 3);
            path = slash < 0 ? string.Empty : path[(slash + 1)..];
        }

        return path.Trim('/');
    }

    /// <summary>Why an entity cannot have this name; null when it can.</summary>
    internal static string? Problem(string name, EntityKind kind)
    {
        if (kind == EntityKind.Subscription)
        {
            return Split(name) is not ({ } topic, { } subscription) || subscription.Length is 0 or > MaxSubscriptionLength || !subscription.All(IsSegmentCharacter)
                ? $"A subscription's name has 1 to {MaxSubscriptionLength} letters, digits, periods, hyphens and underscores."
                : Problem(topic, EntityKind.Topic);
        }

        var isValid = name.Length is > 0 and <= MaxLength && name.Split('/').All(segment => segment.Length > 0 && segment.All(IsSegmentCharacter)) && Split(name) is null;
        return isValid ? null : $"A name has 1 to {MaxLength} letters, digits, periods, hyphens, underscores, tildes, and slashes between segments.";
    }

    private static bool IsSegmentCharacter(char character) => char.IsLetterOrDigit(character) || character is '.' or '-' or '_' or '~';
}
