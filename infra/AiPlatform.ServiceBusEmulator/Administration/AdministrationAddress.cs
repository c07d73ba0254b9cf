using AiPlatform.ServiceBusEmulator.Entities;

namespace AiPlatform.ServiceBusEmulator.Administration;

/// <summary>What an administration request is about.</summary>
internal enum AdministrationTarget
{
    Namespace,
    Entity,
    Rule,
    Queues,
    Topics,
    Subscriptions,
    Rules,
}

/// <summary>The address of an administration request, taken apart.</summary>
/// <param name="Target">What it is about.</param>
/// <param name="Path">The whole path.</param>
/// <param name="Entity">The entity, where there is one.</param>
/// <param name="Rule">The rule, where there is one.</param>
internal sealed record AdministrationAddress(AdministrationTarget Target, string Path, string Entity, string Rule)
{
    private const string RulesSegment = "/rules";
    private const string SubscriptionsSegment = "/subscriptions";

    internal static AdministrationAddress Parse(string path)
    {
        var trimmed = path.Trim('/');
        return trimmed.ToLowerInvariant() switch
        {
            "$namespaceinfo" => new(AdministrationTarget.Namespace, trimmed, string.Empty, string.Empty),
            "$resources/queues" => new(AdministrationTarget.Queues, trimmed, string.Empty, string.Empty),
            "$resources/topics" => new(AdministrationTarget.Topics, trimmed, string.Empty, string.Empty),
            var lower when lower.EndsWith(SubscriptionsSegment, StringComparison.Ordinal) => new(AdministrationTarget.Subscriptions, trimmed, trimmed[..^SubscriptionsSegment.Length], string.Empty),
            var lower when EntityNames.Split(lower) is not null && lower.EndsWith(RulesSegment, StringComparison.Ordinal)
                => new(AdministrationTarget.Rules, trimmed, trimmed[..^RulesSegment.Length], string.Empty),
            var lower when EntityNames.Split(lower) is not null && lower.LastIndexOf(RulesSegment + "/", StringComparison.Ordinal) is > 0 and var at
                => new(AdministrationTarget.Rule, trimmed, trimmed[..at], trimmed[(at + RulesSegment.Length + 1)..]),
            _ => new(AdministrationTarget.Entity, trimmed, trimmed, string.Empty),
        };
    }
}
