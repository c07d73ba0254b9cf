using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Compute;
using AiPlatform.Registry.Models.Promotions;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Registry.Models;

/// <summary>Puts together what went into a version: run, job, code, data, and who let it pass.</summary>
internal sealed class ProvenanceReader(Database database, IRunMetrics summaries, IRunRecords runs, IJobs jobs)
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
                var run = row.RunId is null ? null : await runs.FindAsync(work, row.RunId, MaxEntries);
                var job = row.JobId is null ? null : await jobs.FindAsync(work, row.JobId);
                var promotions = await work.QueryAsync<PromotionRow>(
                    $"{PromotionRow.Select} WHERE q.model_id = @ModelId AND q.version = @Version ORDER BY q.id DESC LIMIT @MaxPromotions", new { row.ModelId, row.Version, MaxPromotions });
                return new ModelProvenance(
                    version,
                    run is null
                        ? null
                        : new ProvenanceRun(run.Id, run.Name, run.ExperimentId, run.ExperimentName, run.Status, run.StartedAt, run.EndedAt, run.Params, run.Metrics),
                    job is null ? null : new ProvenanceJob(job.Id, job.Name, job.Status.ToText(), job.Attempt, job.CreatedBy),
                    Code(job?.Spec, run?.Tags ?? ImmutableDictionary<string, string>.Empty),
                    version.Lineage.DatasetVersions,
                    [.. (run?.Inputs ?? []).Select(static input => new ProvenanceInput(input.Name, input.Digest, input.SourceType, input.Source))],
                    [.. promotions.Select(promotion => promotion.ToContract())]);
            },
            cancellationToken);
    }

    /// <summary>What ran: what the job says of itself, and what an MLflow client said of its commit.</summary>
    internal static ProvenanceCode? Code(JobSpec? job, IReadOnlyDictionary<string, string> tags)
    {
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
}
