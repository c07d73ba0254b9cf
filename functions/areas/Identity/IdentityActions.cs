using AiPlatform.Kernel.Access;

namespace AiPlatform.Identity;

/// <summary>What can be done with accounts and projects.</summary>
internal static class IdentityActions
{
    public static readonly AccessAction ManageAccount = new(AccessRules.Account, Verbs.Manage);

    public static readonly AccessAction ReadProject = new("identity.project", Verbs.Read);
    public static readonly AccessAction WriteProject = new("identity.project", Verbs.Write);
    public static readonly AccessAction DeleteProject = new("identity.project", Verbs.Delete);

    public static readonly AccessAction AdministerUsers = new("identity.user", Verbs.Administer);
}
