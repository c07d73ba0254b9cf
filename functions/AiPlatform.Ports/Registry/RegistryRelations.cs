namespace AiPlatform.Ports.Registry;

/// <summary>What of registered models the statements of other areas may read: <c>FROM {RegistryRelations.ModelVersions} v</c>.</summary>
public static class RegistryRelations
{
    /// <summary>Models, deleted ones too.</summary>
    public const string Models = "(SELECT id, project_id, name, description, tags, created_at, updated_at, deleted_at FROM models)";

    /// <summary>Versions with the names of their models, deleted and purged ones too; <c>registered_by_job</c> is the job that asked for the version.</summary>
    public const string ModelVersions = """
        (SELECT v.id, v.project_id, m.name, v.version, v.registered_by_job, v.size_bytes FROM model_versions v JOIN models m ON m.id = v.model_id)
        """;

    /// <summary>
    /// What versions were made of, which is kept as long as they are: runs, jobs, logged models, and the place of the files where they are not
    /// artifacts of the run.
    /// </summary>
    public const string ModelOrigins = """
        (SELECT run_id, job_id, registered_by_job, logged_model_id, coalesce(storage_location, source) AS place, deleted_at, purged_at FROM model_versions)
        """;
}
