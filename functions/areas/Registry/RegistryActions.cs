using AiPlatform.Kernel.Access;

namespace AiPlatform.Registry;

/// <summary>What can be done with models, stages, promotions and webhooks.</summary>
internal static class RegistryActions
{
    public static readonly AccessAction ReadModel = new("registry.model", Verbs.Read);
    public static readonly AccessAction WriteModel = new("registry.model", Verbs.Write);
    public static readonly AccessAction DeleteModel = new("registry.model", Verbs.Delete);
    public static readonly AccessAction OrchestrateModel = new("registry.model", Verbs.Orchestrate);

    public static readonly AccessAction ReadPromotion = new("registry.promotion", Verbs.Read);
    public static readonly AccessAction WritePromotion = new("registry.promotion", Verbs.Write);
    public static readonly AccessAction ApprovePromotion = new("registry.promotion", Verbs.Approve);
    public static readonly AccessAction ManagePromotion = new("registry.promotion", Verbs.Manage);

    public static readonly AccessAction WriteStage = new("registry.stage", Verbs.Write);

    public static readonly AccessAction ReadWebhook = new("registry.webhook", Verbs.Read);
    public static readonly AccessAction ManageWebhook = new("registry.webhook", Verbs.Manage);
}
