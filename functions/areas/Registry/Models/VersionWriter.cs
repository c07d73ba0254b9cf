using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Registry.Webhooks;

namespace AiPlatform.Registry.Models;

/// <summary>Writes new versions of models, whichever API they come from, with what live listeners and webhooks learn of them.</summary>
internal sealed class VersionWriter(EventStream events, WebhookEvents webhooks, TimeProvider time)
{
    /// <summary>Adds the next version of a model.</summary>
    public async Task<VersionRow> InsertAsync(UnitOfWork work, NewVersion version)
    {
        var id = Ids.New(time);
        await work.ExecuteAsync(
            """
            WITH number AS (UPDATE models SET last_version = last_version + 1, updated_at = @now WHERE id = @ModelId RETURNING last_version)
            INSERT INTO model_versions
                (id, model_id, project_id, version, description, run_id, foreign_run_id, job_id, registered_by_job, artifact_path, size_bytes, sha256, metrics, source,
                 storage_location, run_link, logged_model_id, tags, signature, input_example, created_by, created_at, updated_at)
            SELECT @id, @ModelId, @ProjectId, last_version, @Description, @RunId, @ForeignRunId, @JobId, @RegisteredByJob, @ArtifactPath, @SizeBytes, @Sha256,
                @Metrics::jsonb, @Source, @StorageLocation, @RunLink, @LoggedModelId, @Tags::jsonb, coalesce(o.signature, @Signature::jsonb),
                coalesce(o.input_example, @InputExample::jsonb), @CreatedBy, @now, @now
            FROM number LEFT JOIN model_versions o ON o.id = @OriginId
            """,
            new
            {
                id,
                version.ModelId,
                version.ProjectId,
                version.Description,
                version.RunId,
                version.ForeignRunId,
                version.JobId,
                version.RegisteredByJob,
                version.ArtifactPath,
                version.SizeBytes,
                version.Sha256,
                version.Metrics,
                version.Source,
                version.StorageLocation,
                version.RunLink,
                version.LoggedModelId,
                version.Tags,
                version.Signature,
                version.InputExample,
                version.OriginId,
                version.CreatedBy,
                now = time.GetUtcNow(),
            });
        var row = await work.SingleAsync<VersionRow>($"{VersionRow.Select} WHERE v.id = @id", new { id });
        await events.PublishAsync(work, $"project:{version.ProjectId}", "model.version", new { row.Id, row.Name, row.Version });
        await webhooks.PublishAsync(
            work,
            version.ProjectId,
            WebhookEvents.VersionCreated,
            new { name = row.Name, version = $"{row.Version}", source = row.Source, run_id = row.RunId ?? row.ForeignRunId, tags = JsonTags.Read(row.Tags), description = row.Description });
        return row;
    }
}

/// <summary>A version that is registered. Texts of JSON are objects.</summary>
internal sealed record NewVersion(string ModelId, string ProjectId)
{
    public string? Description { get; init; }

    public string? RunId { get; init; }

    /// <summary>A run that is not known here.</summary>
    public string? ForeignRunId { get; init; }

    public string? JobId { get; init; }

    /// <summary>The job that registers it by itself, at most once.</summary>
    public string? RegisteredByJob { get; init; }

    public string? ArtifactPath { get; init; }

    public long? SizeBytes { get; init; }

    public byte[]? Sha256 { get; init; }

    public string Metrics { get; init; } = "{}";

    /// <summary>Where it comes from, as MLflow's clients say; null for an artifact of its run.</summary>
    public string? Source { get; init; }

    /// <summary>Where its files are when the source is another version or a logged model.</summary>
    public string? StorageLocation { get; init; }

    public string? RunLink { get; init; }

    public string? LoggedModelId { get; init; }

    public string Tags { get; init; } = "{}";

    public string? Signature { get; init; }

    public string? InputExample { get; init; }

    /// <summary>The version that it is a copy of; its signature and input example win.</summary>
    public string? OriginId { get; init; }

    public string? CreatedBy { get; init; }
}
