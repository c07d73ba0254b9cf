namespace AiPlatform.Ports.Data;

/// <summary>What of datasets the statements of other areas may read: <c>JOIN {DataRelations.DatasetVersions} d ON …</c>.</summary>
public static class DataRelations
{
    /// <summary>Versions with the names of their datasets, deleted and purged ones too.</summary>
    public const string DatasetVersions = """
        (SELECT v.id, v.project_id, v.dataset_id, d.name, v.version, v.file_count, v.size_bytes
         FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id)
        """;
}
