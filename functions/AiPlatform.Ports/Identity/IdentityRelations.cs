namespace AiPlatform.Ports.Identity;

/// <summary>
/// What of accounts and projects the statements of other areas may read: <c>FROM {IdentityRelations.Users} u</c>. Who reaches a project is not
/// read here: that is a question to the kernel's access.
/// </summary>
public static class IdentityRelations
{
    /// <summary>Projects, deleted and purged ones too.</summary>
    public const string Projects = "(SELECT id, name, deleted_at, purged_at FROM projects)";

    /// <summary>People by the names that they log in with.</summary>
    public const string Users = "(SELECT id, user_name FROM users)";
}
