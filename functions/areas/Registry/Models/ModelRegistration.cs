using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Compute;
using AiPlatform.Ports.Registry;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Registry.Models;

/// <summary>Makes versions from artifacts, with their provenance, in one transaction.</summary>
internal sealed class ModelRegistration(
    Database database, VersionWriter versions, IRunArtifacts artifacts, IJobs jobs, IModelDescriptions descriptions, TimeProvider time)
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
        var version = await versions.InsertAsync(
            work,
            new NewVersion(modelId, projectId)
            {
                Description = request.Description,
                RunId = runId,
                JobId = jobId,
                RegisteredByJob = registeredBy,
                ArtifactPath = artifact.Path,
                SizeBytes = artifact.Size,
                Sha256 = Convert.FromHexString(artifact.Sha256),
                Metrics = JsonSerializer.Serialize(request.Metrics ?? artifact.Metrics ?? new Dictionary<string, double>(), ContractsJson.Strict),
                Tags = JsonSerializer.Serialize(request.Tags ?? new Dictionary<string, string>(), ContractsJson.Strict),
                Signature = request.Signature?.GetRawText(),
                InputExample = request.InputExample?.GetRawText(),
                CreatedBy = caller.UserId,
            });
        return await work.SingleAsync<ModelVersionRow>($"{ModelVersionRow.Select} WHERE v.id = @Id", new { version.Id });
    }
}
