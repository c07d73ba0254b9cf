using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Compute;
using AiPlatform.Ports.Registry;
using AiPlatform.Ports.Tracking;
using AiPlatform.Registry.Webhooks;

namespace AiPlatform.Registry.Models;

/// <summary>Makes versions from artifacts, with their provenance, in one transaction.</summary>
internal sealed class ModelRegistration(
    Database database, IRunArtifacts artifacts, IJobs jobs, IModelDescriptions descriptions, EventStream events, WebhookEvents webhooks, TimeProvider time)
{
    /// <summary>Registers an artifact as the next version of a model. What the caller does not say about it is taken from its <c>MLmodel</c> file.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<ModelVersionRow> RegisterAsync(ModelRow model, RunReference run, CreateModelVersionRequest request, Caller caller, CancellationToken cancellationToken)
    {
        var described = await DescribeAsync(request, run.ProjectId, run.Id, cancellationToken);
        return await database.InWorkAsync(
            async work =>
            {
                var artifact = await artifacts.FindAsync(work, run.Id, request.ArtifactPath) ?? throw ApiException.NotFound("artifact", request.ArtifactPath);
                return await InsertAsync(work, model.Id, model.ProjectId, run.Id, run.JobId, null, artifact, described, caller);
            },
            cancellationToken);
    }

    /// <summary>Registers the best model of a job that asks for it, once; null when the job does not ask.</summary>
    /// <exception cref="ApiException">404; 400 when the run put out no model.</exception>
    public async Task<ModelVersionRow?> RegisterJobAsync(string jobId, Caller caller, CancellationToken cancellationToken)
    {
        // The storage is not read while the job's row is locked.
        var (job, known, best) = await database.InWorkAsync(work => BestAsync(work, jobId), cancellationToken);
        if (best is null)
        {
            return known;
        }

        var described = await DescribeAsync(new CreateModelVersionRequest(job.RunId, best.Path), job.ProjectId, job.RunId, cancellationToken);
        return await database.InWorkAsync(
            async work =>
            {
                // Another call may have registered it meanwhile.
                if ((await BestAsync(work, jobId)).Known is { } registered)
                {
                    return registered;
                }

                var modelId = await EnsureModelAsync(work, job.ProjectId, job.RegisterModel!, job.CreatedBy);
                return await InsertAsync(work, modelId, job.ProjectId, job.RunId, job.Id, job.Id, best, described, caller);
            },
            cancellationToken);
    }

    // Neither a version nor an artifact when the job does not ask.
    private async Task<(JobReference Job, ModelVersionRow? Known, Artifact? Best)> BestAsync(UnitOfWork work, string jobId)
    {
        var job = await jobs.LockAsync(work, jobId);
        if (job.RegisterModel is null)
        {
            return (job, null, null);
        }

        var known = await work.FindAsync<ModelVersionRow>($"{ModelVersionRow.Select} WHERE v.registered_by_job = @jobId", new { jobId });
        if (known is not null)
        {
            return (job, known, null);
        }

        var models = await artifacts.ModelsAsync(work, job.RunId);
        // The last of the best: of equals the one that was written later.
        var best = models.Count > 0 ? models.OrderBy(static model => BestModel.Rank(model.Metrics)).Last() : null;
        Check.That(best is not null, "registerModel", "noModel");
        return (job, null, best);
    }

    private async Task<CreateModelVersionRequest> DescribeAsync(CreateModelVersionRequest request, string projectId, string runId, CancellationToken cancellationToken)
    {
        if (request is { Signature: not null, InputExample: not null })
        {
            return request;
        }

        var model = await descriptions.OfArtifactAsync(projectId, runId, request.ArtifactPath, cancellationToken);
        return request with { Signature = request.Signature ?? model.Signature, InputExample = request.InputExample ?? model.InputExample };
    }

    private async Task<string> EnsureModelAsync(UnitOfWork work, string projectId, string name, string? createdBy)
        => await work.SingleAsync<string>(
            """
            INSERT INTO models (id, project_id, name, created_by, created_at, updated_at) VALUES (@id, @projectId, @name, @createdBy, @now, @now)
            ON CONFLICT (project_id, lower(name)) WHERE deleted_at IS NULL DO UPDATE SET updated_at = excluded.updated_at
            RETURNING id
            """,
            new { id = Ids.New(time), projectId, name, createdBy, now = time.GetUtcNow() });

    private async Task<ModelVersionRow> InsertAsync(
        UnitOfWork work, string modelId, string projectId, string runId, string? jobId, string? registeredBy, Artifact artifact,
        CreateModelVersionRequest request, Caller caller)
    {
        var id = Ids.New(time);
        await work.ExecuteAsync(
            """
            WITH number AS (
                UPDATE models SET last_version = last_version + 1, updated_at = @now WHERE id = @modelId RETURNING last_version
            )
            INSERT INTO model_versions
                (id, model_id, project_id, version, description, run_id, job_id, registered_by_job, artifact_path, size_bytes, sha256, metrics, tags, signature,
                 input_example, created_by, created_at)
            SELECT @id, @modelId, @projectId, last_version, @description, @runId, @jobId, @registeredBy, @path, @size, @sha256, @metrics::jsonb, @tags::jsonb,
                @signature::jsonb, @example::jsonb, @by, @now
            FROM number
            """,
            new
            {
                id,
                modelId,
                projectId,
                description = request.Description,
                runId,
                jobId,
                registeredBy,
                path = artifact.Path,
                size = artifact.Size,
                sha256 = Convert.FromHexString(artifact.Sha256),
                metrics = JsonSerializer.Serialize(request.Metrics ?? artifact.Metrics ?? new Dictionary<string, double>(), ContractsJson.Strict),
                tags = JsonSerializer.Serialize(request.Tags ?? new Dictionary<string, string>(), ContractsJson.Strict),
                signature = request.Signature?.GetRawText(),
                example = request.InputExample?.GetRawText(),
                by = caller.UserId,
                now = time.GetUtcNow(),
            });
        var row = await work.SingleAsync<ModelVersionRow>($"{ModelVersionRow.Select} WHERE v.id = @id", new { id });
        await events.PublishAsync(work, $"project:{projectId}", "model.version", new { row.Id, row.Name, row.Version });
        await PublishAsync(work, row, request.Description);
        return row;
    }

    // The source as MLflow's clients read it.
    private async Task PublishAsync(UnitOfWork work, ModelVersionRow row, string? description)
    {
        var source = await work.SingleAsync<string>(
            """
            SELECT 'mlflow-artifacts:/' || e.mlflow_id || '/' || r.id || '/artifacts/' || @ArtifactPath
            FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.id = @RunId
            """,
            new { row.RunId, row.ArtifactPath });
        await webhooks.PublishAsync(
            work,
            row.ProjectId,
            WebhookEvents.VersionCreated,
            new { name = row.Name, version = $"{row.Version}", source, run_id = row.RunId, tags = new Dictionary<string, string>(StringComparer.Ordinal), description });
    }
}
