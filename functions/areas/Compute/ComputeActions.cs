using AiPlatform.Kernel.Access;

namespace AiPlatform.Compute;

/// <summary>What can be done with jobs, runners and task queues.</summary>
internal static class ComputeActions
{
    public static readonly AccessAction ReadJob = new("compute.job", Verbs.Read);
    public static readonly AccessAction ListJobs = new("compute.job", Verbs.List);
    public static readonly AccessAction WriteJob = new("compute.job", Verbs.Write);
    public static readonly AccessAction CancelJob = new("compute.job", Verbs.Cancel);
    public static readonly AccessAction LogJob = new("compute.job", Verbs.Log);
    public static readonly AccessAction OrchestrateJob = new("compute.job", Verbs.Orchestrate);
    public static readonly AccessAction ExecuteJob = new("compute.job", Verbs.Execute);

    public static readonly AccessAction ReadQueue = new("compute.queue", Verbs.Read);
    public static readonly AccessAction ManageQueue = new("compute.queue", Verbs.Manage);

    public static readonly AccessAction ReadRunner = new("compute.runner", Verbs.Read);
    public static readonly AccessAction ExecuteRunner = new("compute.runner", Verbs.Execute);

    public static readonly AccessAction ReadSchedule = new("compute.schedule", Verbs.Read);
    public static readonly AccessAction WriteSchedule = new("compute.schedule", Verbs.Write);
    public static readonly AccessAction DeleteSchedule = new("compute.schedule", Verbs.Delete);

    public static readonly AccessAction ReadTask = new(AccessRules.QueueTask, Verbs.Read);
    public static readonly AccessAction WriteTask = new(AccessRules.QueueTask, Verbs.Write);
    public static readonly AccessAction DeleteTask = new(AccessRules.QueueTask, Verbs.Delete);
    public static readonly AccessAction ExecuteTask = new(AccessRules.QueueTask, Verbs.Execute);
}
