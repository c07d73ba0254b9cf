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

    /// <summary>Whether these scopes cover the permission.</summary>
    public static bool Cover(IReadOnlyList<string> scopes, Permission permission)
        => scopes.Contains(Full) || permission switch
        {
            Permission.Read or Permission.ReadRun => scopes.Contains(Read) || scopes.Contains(Write),
            Permission.Write or Permission.WriteRun => scopes.Contains(Write),
            Permission.Anonymous => true,
            _ => false,
        };
}
