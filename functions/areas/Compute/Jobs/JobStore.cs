using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Operations;
using AiPlatform.Ports.Tracking;
using Dapper;

namespace AiPlatform.Compute.Jobs;

/// <summary>Submits and reads jobs.</summary>
internal sealed class JobStore(
    Database database, IDatasetInputs inputs, IDatasetQuality quality, IJobRuns runs, ILineage lineage, IOutbox outbox, EventStream events, TimeProvider time)
{
    private const string DefaultExperiment = "default";

    /// <summary>Writes the job, its run, their provenance and the start of the orchestration in one transaction.</summary>
    /// <exception cref="ApiException">400 when a dataset version or a dependency is not there; 409 when a dataset version is blocked.</exception>
    public Task<JobRow> SubmitAsync(string projectId, SubmitJobRequest request, JobSpec spec, Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var id = Ids.New(time);
                var datasets = await inputs.ResolveAsync(work, projectId, spec.Datasets);
                await quality.RequireUsableAsync(work, [.. datasets.Select(static dataset => dataset.VersionId)]);
                await CheckDependenciesAsync(work, projectId, spec.DependsOn);
                var complete = spec with { Datasets = [.. datasets.Select(dataset => new JobDataset(dataset.Name, dataset.Version))] };
                var name = request.Name ?? $"{spec.Recipe ?? spec.Code!.Entrypoint}-{id[^8..]}";
                var run = new JobRun(projectId, id, request.Experiment ?? DefaultExperiment, name, JobSubmissionCheck.RunParams(complete.Params));
                var runId = await runs.CreateAsync(work, run, caller);
                await InsertJobAsync(work, projectId, id, runId, name, request.Priority, complete, datasets, caller);
                await lineage.AddAsync(
                    work,
                    projectId,
                    [
                        new LineageStep(LineageEnd.Job(id), LineageEnd.Run(runId), "produced"),
                        .. datasets.Select(dataset => new LineageStep(LineageEnd.DatasetVersion(dataset.VersionId), LineageEnd.Job(id), "input")),
                    ]);

                await outbox.EnqueueAsync(work, OutboxMessage.Start(TrainingJobEvents.Orchestration, id, new TrainingJobInput(id)));
                await events.PublishAsync(work, $"project:{projectId}", "job.status", new JobStatusChange(id, JobStatus.Pending, null, 0));
                return await work.SingleAsync<JobRow>($"SELECT {JobRow.Columns} FROM {JobRow.From} WHERE j.id = @id", new { id });
            },
            cancellationToken);

    /// <summary>One more live job than asked for, newest first.</summary>
    public async Task<IReadOnlyList<JobRow>> ListAsync(string projectId, JobStatus? status, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<JobRow>(new CommandDefinition(
            $"""
            SELECT {JobRow.Columns} FROM {JobRow.From}
            WHERE j.project_id = @projectId AND j.deleted_at IS NULL
              AND (@status::text IS NULL OR j.status = @status) AND (@after::text IS NULL OR j.id < @after)
            ORDER BY j.id DESC LIMIT @limit
            """,
            new { projectId, status = status?.ToText(), after, limit = size + 1 },
            cancellationToken: cancellationToken));
        return rows.AsList();
    }

    /// <summary>Adds attempts and nodes to jobs, in one round trip for all of them.</summary>
    public async Task<IReadOnlyList<Job>> CompleteAsync(IReadOnlyList<JobRow> jobs, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await using var results = await connection.QueryMultipleAsync(new CommandDefinition(
            """
            SELECT * FROM job_attempts WHERE job_id = ANY(@ids) ORDER BY job_id, attempt;
            SELECT * FROM job_nodes WHERE job_id = ANY(@ids) ORDER BY job_id, attempt, node;
            """,
            new { ids = jobs.Select(job => job.Id).ToArray() },
            cancellationToken: cancellationToken));
        var attempts = (await results.ReadAsync<JobAttemptRow>()).ToLookup(row => row.JobId);
        var nodes = (await results.ReadAsync<JobNodeRow>()).ToLookup(row => (row.JobId, row.Attempt));
        return [.. jobs.Select(job => job.ToContract(attempts[job.Id].Select(attempt => attempt.ToContract(nodes[(job.Id, attempt.Attempt)]))))];
    }

    // A job depends on jobs that exist already: a circle cannot come about.
    private static async Task CheckDependenciesAsync(UnitOfWork work, string projectId, IReadOnlyList<string> dependencies)
    {
        var known = await work.QueryAsync<string>(
            "SELECT id FROM jobs WHERE project_id = @projectId AND deleted_at IS NULL AND id = ANY(@ids)", new { projectId, ids = dependencies.ToArray() });
        for (var i = 0; i < dependencies.Count; i++)
        {
            Check.That(known.Contains(dependencies[i]), $"dependsOn[{i}]", "unknownJob", dependencies[i]);
        }
    }

    private async Task InsertJobAsync(
        UnitOfWork work, string projectId, string id, string runId, string name, JobPriority priority, JobSpec spec, IReadOnlyList<DatasetInput> datasets, Caller caller)
    {
        await work.ExecuteAsync(
            """
            INSERT INTO jobs (id, project_id, run_id, name, status, priority, pool, spec, nodes, gpus_per_node, created_by, created_at, updated_at)
            VALUES (@id, @projectId, @runId, @name, 'pending', @priority, @pool, @spec::jsonb, @nodes, @gpus, @by, @now, @now)
            """,
            new
            {
                id,
                projectId,
                runId,
                name,
                priority = (short)priority,
                pool = spec.Resources.Pool,
                spec = JsonSerializer.Serialize(spec, ContractsJson.Strict),
                nodes = spec.Resources.Nodes,
                gpus = spec.Resources.ProcessesPerNode * spec.Resources.GpusPerProcess,
                by = caller.UserId,
                now = time.GetUtcNow(),
            });
        await work.ExecuteAsync(
            "INSERT INTO job_dependencies (job_id, depends_on) SELECT @id, unnest(@dependencies)", new { id, dependencies = spec.DependsOn.ToArray() });
        await work.ExecuteAsync(
            "INSERT INTO job_datasets (job_id, name, version_id) SELECT @id, * FROM unnest(@names, @versions)",
            new { id, names = datasets.Select(dataset => dataset.Name).ToArray(), versions = datasets.Select(dataset => dataset.VersionId).ToArray() });
    }
}

/// <summary>What live listeners learn about a job.</summary>
internal sealed record JobStatusChange(string JobId, JobStatus Status, string? Reason, int Attempt);
