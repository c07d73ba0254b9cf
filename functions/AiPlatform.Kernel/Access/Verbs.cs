namespace AiPlatform.Kernel.Access;

/// <summary>The last words of actions.</summary>
public static class Verbs
{
    /// <summary>Seeing things.</summary>
    public const string Read = "read";

    /// <summary>Seeing which there are, where reading one that is known may be allowed to more callers.</summary>
    public const string List = "list";

    /// <summary>Making and changing things, and taking a deletion back.</summary>
    public const string Write = "write";

    /// <summary>Deleting things.</summary>
    public const string Delete = "delete";

    /// <summary>Ending what runs.</summary>
    public const string Cancel = "cancel";

    /// <summary>Deciding what somebody else has asked for.</summary>
    public const string Approve = "approve";

    /// <summary>Changing how other people's work is treated: queues, rules, webhooks, receivers, an account.</summary>
    public const string Manage = "manage";

    /// <summary>Writing what a job's code and its runner write about its own run.</summary>
    public const string Log = "log";

    /// <summary>What is about the platform and not about a project.</summary>
    public const string Administer = "administer";

    /// <summary>Moving long processes along.</summary>
    public const string Orchestrate = "orchestrate";

    /// <summary>Claiming work and reporting about it.</summary>
    public const string Execute = "execute";
}
