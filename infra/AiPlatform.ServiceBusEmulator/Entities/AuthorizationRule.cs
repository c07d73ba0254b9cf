namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>What a key allows.</summary>
[Flags]
internal enum AccessRights
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Receiving, settling, peeking.</summary>
    Listen = 1,

    /// <summary>Sending and scheduling.</summary>
    Send = 2,

    /// <summary>Administration; with it go the other two.</summary>
    Manage = 4,

    /// <summary>Everything.</summary>
    All = Listen | Send | Manage,
}

/// <summary>A shared access policy of one queue or topic: who signs with one of its keys has its rights there, and nowhere else.</summary>
/// <param name="KeyName">The policy's name.</param>
/// <param name="PrimaryKey">The one key.</param>
/// <param name="SecondaryKey">The other, so that keys can be changed without a gap.</param>
/// <param name="Rights">What both allow.</param>
internal sealed record AuthorizationRule(string KeyName, string PrimaryKey, string SecondaryKey, AccessRights Rights)
{
    private const int MaxText = 256;

    /// <summary>Why the rule cannot be; null when it can.</summary>
    internal string? Problem() => this switch
    {
        { KeyName: { Length: 0 or > MaxText } } => $"The name of an authorization rule has 1 to {MaxText} characters.",
        { PrimaryKey: { Length: 0 or > MaxText } } or { SecondaryKey.Length: > MaxText } => $"The keys of an authorization rule have 1 to {MaxText} characters.",
        { Rights: AccessRights.None } => "An authorization rule has at least one right.",
        _ when Rights.HasFlag(AccessRights.Manage) && Rights != AccessRights.All => "An authorization rule with Manage has Send and Listen too.",
        _ => null,
    };
}
