namespace AiPlatform.Kernel.Access;

/// <summary>Who may do what: the only place that knows.</summary>
public static class AccessRules
{
    /// <summary>A person's own account; services have none.</summary>
    public const string Account = "identity.account";

    /// <summary>What workers of task queues do, of which the orchestrations service has one.</summary>
    public const string QueueTask = "compute.task";

    // What the code of a job reads and logs about its own run, and what its runner brings when the job is gone.
    private static readonly HashSet<string> OfRuns = new(StringComparer.Ordinal)
    {
        "tracking.run", "tracking.artifact", "tracking.media", "tracking.loggedModel", "mlflow.trace", "mlflow.server", "compute.job",
    };

    /// <summary>Whether a caller of this role may do it, in projects that it reaches.</summary>
    public static bool Allows(CallerRole role, AccessAction action) => role switch
    {
        CallerRole.Member => !IsOfPlatform(action) && action.Verb != Verbs.Administer,
        CallerRole.Administrator => !IsOfPlatform(action),
        CallerRole.Service => action.Verb switch
        {
            Verbs.Administer => false,
            Verbs.Execute => action.Kind == QueueTask,
            _ => action.Kind != Account,
        },
        CallerRole.Runner => action.Verb == Verbs.Execute || IsOfRun(action),
        CallerRole.Job => IsOfRun(action),
        _ => false,
    };

    /// <summary>Whether the caller may do it: its role, and what its token may be used for.</summary>
    public static bool Allows(Caller caller, AccessAction action)
        => Allows(caller.Role, action) && (caller.Scopes is not { } scopes || TokenScopes.Cover(scopes, action));

    /// <summary>Whether a job may do it about its own run.</summary>
    public static bool IsOfRun(AccessAction action) => action.Verb is Verbs.Read or Verbs.Log && OfRuns.Contains(action.Kind);

    // What no person does.
    private static bool IsOfPlatform(AccessAction action) => action.Verb is Verbs.Orchestrate or Verbs.Execute;
}
