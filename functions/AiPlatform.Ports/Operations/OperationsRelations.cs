namespace AiPlatform.Ports.Operations;

/// <summary>What of the lineage graph the statements of other areas may read: <c>FROM {OperationsRelations.LineageEdges} e</c>.</summary>
public static class OperationsRelations
{
    /// <summary>What came from what; kinds are those of <see cref="LineageEnd"/>.</summary>
    public const string LineageEdges = "(SELECT from_kind, from_id, to_kind, to_id FROM lineage_edges)";
}
