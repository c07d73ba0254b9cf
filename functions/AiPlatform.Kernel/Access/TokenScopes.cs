namespace AiPlatform.Kernel.Access;

/// <summary>What a personal access token may be used for.</summary>
public static class TokenScopes
{
    /// <summary>Reading in projects.</summary>
    public const string Read = "read";

    /// <summary>Reading and changing things in projects.</summary>
    public const string Write = "write";

    /// <summary>Everything that its owner may do, the account itself included.</summary>
    public const string Full = "full";

    /// <summary>All scopes.</summary>
    public static readonly IReadOnlyList<string> All = [Read, Write, Full];

    /// <summary>Whether these scopes cover the action.</summary>
    public static bool Cover(IReadOnlyList<string> scopes, AccessAction action)
        => scopes.Contains(Full) || (action.Verb is not Verbs.Administer && action.Kind != AccessRules.Account
            && (scopes.Contains(Write) || (scopes.Contains(Read) && action.Verb is Verbs.Read or Verbs.List)));
}
