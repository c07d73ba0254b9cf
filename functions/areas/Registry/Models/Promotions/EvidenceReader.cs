using System.Globalization;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Compute;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Operations;
using AiPlatform.Ports.Tracking;

namespace AiPlatform.Registry.Models.Promotions;

/// <summary>Holds a version against the rule of a target: its metrics, and the quality of the data that went in.</summary>
internal sealed class EvidenceReader(IDatasetQuality quality)
{
    private const int MaxDatasets = 200;

    /// <summary>Every piece of evidence that the rule asks for, as it stands now.</summary>
    public async Task<IReadOnlyList<PromotionEvidence>> ReadAsync(UnitOfWork work, string modelId, int version, PromotionRule? rule)
    {
        if (rule is null)
        {
            return [];
        }

        var evidence = new List<PromotionEvidence>();
        if (rule.Thresholds.Count > 0)
        {
            string[] keys = [.. rule.Thresholds.Select(threshold => threshold.Metric).Distinct(StringComparer.Ordinal)];
            var own = await MetricsAsync(work, modelId, version, keys);
            var current = rule.Thresholds.Any(threshold => threshold.RelativeToCurrent) && await CurrentAsync(work, modelId, version, rule.Target) is { } holder
                ? await MetricsAsync(work, modelId, holder, keys)
                : null;
            evidence.AddRange(rule.Thresholds.Select(threshold => Metric(threshold, own, current)));
        }

        if (rule.RequireQualityReport)
        {
            evidence.AddRange(await QualityAsync(work, modelId, version, rule.MinQualityScore));
        }

        return evidence;
    }

    /// <summary>Holds a metric against its threshold.</summary>
    /// <param name="current">Of the version at the target; null when there is none.</param>
    internal static PromotionEvidence Metric(MetricThreshold threshold, IReadOnlyDictionary<string, double> own, IReadOnlyDictionary<string, double>? current)
    {
        var sign = threshold.Comparison == ThresholdComparison.AtLeast ? ">=" : "<=";
        double? limit = threshold.RelativeToCurrent
            ? current is not null && current.TryGetValue(threshold.Metric, out var held) ? held + threshold.Value : null
            : threshold.Value;
        double? actual = own.TryGetValue(threshold.Metric, out var value) ? value : null;

        // NaN reaches nothing. A rule that compares with what is there holds when nothing is.
        var passed = actual is { } number && !double.IsNaN(number)
            && (limit is null || (threshold.Comparison == ThresholdComparison.AtLeast ? number >= limit : number <= limit));
        var expected = limit is { } bound ? $"{sign} {Text(bound)}" : "any value: nothing to compare with";
        return new PromotionEvidence(EvidenceKind.Metric, threshold.Metric, passed, expected, actual is { } found ? Text(found) : null, null);
    }

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static async Task<IReadOnlyDictionary<string, double>> MetricsAsync(UnitOfWork work, string modelId, int version, string[] keys)
    {
        var rows = await work.QueryAsync<(string Source, string Key, double Value)>(
            $"""
            SELECT 'run' AS source, s.key, s.last_value AS value
            FROM model_versions v JOIN {TrackingRelations.MetricSummaries} s ON s.run_id = v.run_id AND s.key = ANY(@keys)
            WHERE v.model_id = @modelId AND v.version = @version
            UNION ALL
            SELECT 'version', e.key, e.value::float8 FROM model_versions v, jsonb_each_text(v.metrics) e
            WHERE v.model_id = @modelId AND v.version = @version AND e.key = ANY(@keys)
            """,
            new { modelId, version, keys });

        // What was written down for the version itself wins.
        return rows.GroupBy(row => row.Key, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.OrderBy(row => row.Source, StringComparer.Ordinal).Last().Value, StringComparer.Ordinal);
    }

    private static Task<int?> CurrentAsync(UnitOfWork work, string modelId, int version, PromotionTarget target)
        => target.Kind == PromotionTargetKind.Alias
            ? work.FindAsync<int?>(
                "SELECT version FROM model_aliases WHERE model_id = @modelId AND lower(alias) = lower(@Name) AND version <> @version", new { modelId, target.Name, version })
            : work.FindAsync<int?>(
                """
                SELECT version FROM model_versions WHERE model_id = @modelId AND lower(stage) = lower(@Name) AND version <> @version AND deleted_at IS NULL
                ORDER BY version DESC LIMIT 1
                """,
                new { modelId, target.Name, version });

    private async Task<IReadOnlyList<PromotionEvidence>> QualityAsync(UnitOfWork work, string modelId, int version, double? minimum)
    {
        var expected = minimum is { } score ? $"not blocked, score >= {Text(score)}" : "not blocked";
        var versions = await work.QueryAsync<(string Id, string Name)>(
            $"""
            SELECT DISTINCT d.id, d.name || '@' || d.version AS name
            FROM model_versions v
            JOIN LATERAL (
                SELECT j.version_id FROM {ComputeRelations.JobInputs} j WHERE j.job_id = v.job_id
                UNION SELECT e.from_id FROM {OperationsRelations.LineageEdges} e WHERE e.from_kind = 'datasetVersion' AND e.to_id IN (v.run_id, v.job_id)) used ON true
            JOIN {DataRelations.DatasetVersions} d ON d.id = used.version_id
            WHERE v.model_id = @modelId AND v.version = @version ORDER BY name LIMIT {MaxDatasets}
            """,
            new { modelId, version });
        if (versions.Count == 0)
        {
            return [new PromotionEvidence(EvidenceKind.Quality, "datasets", Passed: false, expected, null, null)];
        }

        var reports = await quality.LatestAsync(work, [.. versions.Select(row => row.Id)]);
        return
        [
            .. versions.Select(row =>
            {
                var report = reports.GetValueOrDefault(row.Id);
                var passed = report is { Blocked: false } && (minimum is null || report.Score >= minimum);
                var actual = report is null ? null : $"{(report.Blocked ? "blocked" : "not blocked")}{(report.Score is { } found ? $", score {Text(found)}" : string.Empty)}";
                return new PromotionEvidence(EvidenceKind.Quality, row.Name, passed, expected, actual, report?.ReportId);
            }),
        ];
    }
}
