using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Registry.Models.Promotions;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Registry.Models;

/// <summary>Puts together what went into a version: run, job, code, data, and who let it pass.</summary>
internal sealed class ProvenanceReader(Database database, IRunMetrics summaries)
{
    private const int MaxEntries = 1_000;
    private const int MaxPromotions = 100;
    private const string Git = "mlflow.source.git.";
    private const string Source = "mlflow.source.name";

    /// <summary>All that went into a version.</summary>
    public async Task<ModelProvenance> ReadAsync(ModelVersionRow row, ModelVersion version, CancellationToken cancellationToken)
    {
        if (row.RunId is { } id)
        {
            await summaries.EnsureAsync([id], cancellationToken);
        }

        return await database.InWorkAsync(
            async work =>
            {
                var tags = await PairsAsync(work, "run_tags", row.RunId);
                var job = row.JobId is null
                    ? null
                    : await work.FindAsync<ProvenanceJobRow>("SELECT id, name, status, attempt, created_by, spec::text AS spec FROM jobs WHERE id = @JobId", new { row.JobId });
                var inputs = await work.QueryAsync<ProvenanceInput>(
                    """
                    SELECT name AS "Name", digest AS "Digest", source_type AS "SourceType", source AS "Source" FROM run_inputs WHERE run_id = @RunId ORDER BY name, digest LIMIT @MaxEntries
                    """,
                    new { row.RunId, MaxEntries });
                var promotions = await work.QueryAsync<PromotionRow>(
                    $"{PromotionRow.Select} WHERE q.model_id = @ModelId AND q.version = @Version ORDER BY q.id DESC LIMIT @MaxPromotions", new { row.ModelId, row.Version, MaxPromotions });
                return new ModelProvenance(
                    version,
                    await RunAsync(work, row.RunId),
                    job is null ? null : new ProvenanceJob(job.Id, job.Name, job.Status, job.Attempt, job.CreatedBy),
                    Code(job?.Spec, tags),
                    version.Lineage.DatasetVersions,
                    inputs,
                    [.. promotions.Select(promotion => promotion.ToContract())]);
            },
            cancellationToken);
    }

    /// <summary>What ran: what the job says of itself, and what an MLflow client said of its commit.</summary>
    internal static ProvenanceCode? Code(string? spec, IReadOnlyDictionary<string, string> tags)
    {
        var job = spec is null ? null : JsonSerializer.Deserialize<JobSpec>(spec, ContractsJson.Tolerant);
        var entry = job?.Code?.Entrypoint ?? tags.GetValueOrDefault(Source);
        var code = new ProvenanceCode(
            job?.Recipe, entry, job?.Code is { } files ? Hash(files.Files) : null, tags.GetValueOrDefault(Git + "repoURL"), tags.GetValueOrDefault(Git + "branch"), tags.GetValueOrDefault(Git + "commit"));
        return code == new ProvenanceCode(null, null, null, null, null, null) ? null : code;
    }

    private static string Hash(IReadOnlyDictionary<string, string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (path, text) in files.OrderBy(file => file.Key, StringComparer.Ordinal))
        {
            // Lengths before texts: no two sets of files give the same bytes.
            hash.AppendData(Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetByteCount(path)} {path} {Encoding.UTF8.GetByteCount(text)} "));
            hash.AppendData(Encoding.UTF8.GetBytes(text));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static async Task<ProvenanceRun?> RunAsync(UnitOfWork work, string? runId)
    {
        var run = runId is null
            ? null
            : await work.FindAsync<RunRow>(
                """
                SELECT r.id, r.name, r.experiment_id, e.name AS experiment_name, r.status, r.started_at, r.ended_at
                FROM runs r JOIN experiments e ON e.id = r.experiment_id WHERE r.id = @runId
                """,
                new { runId });
        if (run is null)
        {
            return null;
        }

        var metrics = await work.QueryAsync<(string Key, double Value)>(
            "SELECT key, last_value FROM metric_summaries WHERE run_id = @runId ORDER BY key LIMIT @MaxEntries", new { runId, MaxEntries });
        return new ProvenanceRun(
            run.Id, run.Name, run.ExperimentId, run.ExperimentName, run.Status, run.StartedAt, run.EndedAt, await PairsAsync(work, "run_params", runId),
            metrics.ToDictionary(metric => metric.Key, metric => metric.Value));
    }

    // The table is one of two constants of this class.
    private static async Task<IReadOnlyDictionary<string, string>> PairsAsync(UnitOfWork work, string table, string? runId)
        => (await work.QueryAsync<(string Key, string Value)>($"SELECT key, value FROM {table} WHERE run_id = @runId ORDER BY key LIMIT @MaxEntries", new { runId, MaxEntries }))
            .ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);

    private sealed class ProvenanceJobRow
    {
        public required string Id { get; init; }

        public required string Name { get; init; }

        public required string Status { get; init; }

        public int Attempt { get; init; }

        public string? CreatedBy { get; init; }

        public required string Spec { get; init; }
    }

    private sealed class RunRow
    {
        public required string Id { get; init; }

        public required string Name { get; init; }

        public required string ExperimentId { get; init; }

        public required string ExperimentName { get; init; }

        public required string Status { get; init; }

        public DateTimeOffset? StartedAt { get; init; }

        public DateTimeOffset? EndedAt { get; init; }
    }
}
