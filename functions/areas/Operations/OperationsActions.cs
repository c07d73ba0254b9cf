using AiPlatform.Kernel.Access;

namespace AiPlatform.Operations;

/// <summary>What can be done with tasks, orchestrations, lineage, events, deliveries and garbage.</summary>
internal static class OperationsActions
{
    public static readonly AccessAction ReadEvents = new("operations.event", Verbs.Read);

    public static readonly AccessAction AdministerDeliveries = new("operations.delivery", Verbs.Administer);

    public static readonly AccessAction AdministerGarbage = new("operations.garbage", Verbs.Administer);

    public static readonly AccessAction ReadLineage = new("operations.lineage", Verbs.Read);
    public static readonly AccessAction WriteLineage = new("operations.lineage", Verbs.Write);

    public static readonly AccessAction ReadLineageReceiver = new("operations.lineageReceiver", Verbs.Read);
    public static readonly AccessAction ManageLineageReceiver = new("operations.lineageReceiver", Verbs.Manage);

    public static readonly AccessAction ReadOrchestration = new("operations.orchestration", Verbs.Read);
    public static readonly AccessAction ManageOrchestration = new("operations.orchestration", Verbs.Manage);
    public static readonly AccessAction AdministerOrchestrations = new("operations.orchestration", Verbs.Administer);

    public static readonly AccessAction ReadTask = new("operations.task", Verbs.Read);
    public static readonly AccessAction CancelTask = new("operations.task", Verbs.Cancel);
}
