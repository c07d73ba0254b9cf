using System.Xml.Linq;
using AiPlatform.ServiceBusEmulator.Entities;

namespace AiPlatform.ServiceBusEmulator.Administration;

/// <summary>Shared access policies of an entity as XML.</summary>
internal static class AuthorizationRuleXml
{
    private const string TypeName = "SharedAccessAuthorizationRule";

    /// <summary>The policies in an entity's description.</summary>
    /// <exception cref="EntityException">A policy is of another type, or names an unknown right.</exception>
    internal static IReadOnlyList<AuthorizationRule> Read(XElement description)
        => [.. (description.Element(AtomXml.ServiceBus + "AuthorizationRules")?.Elements(AtomXml.ServiceBus + "AuthorizationRule") ?? []).Select(ReadRule)];

    internal static XElement Write(IReadOnlyList<AuthorizationRule> rules) => new(AtomXml.ServiceBus + "AuthorizationRules", rules.Select(WriteRule));

    private static AuthorizationRule ReadRule(XElement rule)
    {
        if (rule.Attribute(AtomXml.Instance + "type")?.Value is { } type && type != TypeName)
        {
            throw Malformed($"'{type}' is not a known type of authorization rule.");
        }

        var rights = (rule.Element(AtomXml.ServiceBus + "Rights")?.Elements(AtomXml.ServiceBus + "AccessRights") ?? [])
            .Aggregate(AccessRights.None, static (all, right) => all | ReadRight(right.Value));
        return new AuthorizationRule(Text(rule, "KeyName"), Text(rule, "PrimaryKey"), Text(rule, "SecondaryKey"), rights);
    }

    private static AccessRights ReadRight(string text) => text switch
    {
        nameof(AccessRights.Listen) => AccessRights.Listen,
        nameof(AccessRights.Send) => AccessRights.Send,
        nameof(AccessRights.Manage) => AccessRights.Manage,
        _ => throw Malformed($"'{text}' is not a known right."),
    };

    private static XElement WriteRule(AuthorizationRule rule) => new(
        AtomXml.ServiceBus + "AuthorizationRule",
        new XAttribute(AtomXml.Instance + "type", TypeName),
        new XElement(AtomXml.ServiceBus + "ClaimType", "SharedAccessKey"),
        new XElement(AtomXml.ServiceBus + "ClaimValue", "None"),
        new XElement(
            AtomXml.ServiceBus + "Rights",
            new AccessRights[] { AccessRights.Send, AccessRights.Listen, AccessRights.Manage }
                .Where(right => rule.Rights.HasFlag(right)).Select(static right => new XElement(AtomXml.ServiceBus + "AccessRights", right))),
        new XElement(AtomXml.ServiceBus + "KeyName", rule.KeyName),
        new XElement(AtomXml.ServiceBus + "PrimaryKey", rule.PrimaryKey),
        new XElement(AtomXml.ServiceBus + "SecondaryKey", rule.SecondaryKey));

    private static string Text(XElement rule, string name) => rule.Element(AtomXml.ServiceBus + name)?.Value ?? string.Empty;

    private static EntityException Malformed(string message) => new(EntityProblem.Invalid, $"SubCode=40000. {message}");
}
