using AiPlatform.Kernel.Access;

namespace AiPlatform.Data;

/// <summary>What can be done with datasets, imports and quality.</summary>
internal static class DataActions
{
    public static readonly AccessAction ReadContent = new("data.content", Verbs.Read);

    public static readonly AccessAction ReadDataset = new("data.dataset", Verbs.Read);
    public static readonly AccessAction WriteDataset = new("data.dataset", Verbs.Write);
    public static readonly AccessAction DeleteDataset = new("data.dataset", Verbs.Delete);

    public static readonly AccessAction ReadImport = new("data.import", Verbs.Read);
    public static readonly AccessAction WriteImport = new("data.import", Verbs.Write);
    public static readonly AccessAction CancelImport = new("data.import", Verbs.Cancel);
    public static readonly AccessAction OrchestrateImport = new("data.import", Verbs.Orchestrate);

    public static readonly AccessAction ReadQuality = new("data.quality", Verbs.Read);
    public static readonly AccessAction WriteQuality = new("data.quality", Verbs.Write);
    public static readonly AccessAction CancelQuality = new("data.quality", Verbs.Cancel);
    public static readonly AccessAction OrchestrateQuality = new("data.quality", Verbs.Orchestrate);
    public static readonly AccessAction AdministerQuality = new("data.quality", Verbs.Administer);
}
