using System.Globalization;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Search;

namespace AiPlatform.MLflow.Models;

/// <summary>Which data sets a search of logged models looks at: metrics count where they were measured on one of them.</summary>
internal static class DatasetFilter
{
    private const int MaxDatasets = 100;

    /// <summary>The condition of metrics (<c>{0}</c>) by the parameter <c>datasets</c>; empty when any data set will do.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static string Of(MLflowCall call, SearchSql sql)
    {
        var datasets = call.Objects("datasets");
        if (datasets.Count > MaxDatasets)
        {
            throw MLflowException.Value("datasets", datasets.Count.ToString(CultureInfo.InvariantCulture));
        }

        var conditions = datasets.Select((dataset, index) =>
        {
            var entry = new MLflowCall(call.Context, dataset, call.ProjectId);
            return entry.Text("dataset_name") is { Length: > 0 } name
                ? Condition(sql, $"dataset{index}", name, entry.Text("dataset_digest"))
                : throw MLflowException.Invalid("`dataset_name` in the `datasets` clause must be specified.");
        }).ToList();
        return conditions.Count == 0 ? string.Empty : $" AND ({string.Join(" OR ", conditions)})";
    }

    /// <summary>The newest value of a metric, on a data set where an entry of <c>order_by</c> names one.</summary>
    public static EntityRows Newest(MLflowCall entry, SearchSql sql, int index)
    {
        var condition = string.Empty;
        if (entry.Text("dataset_name") is { Length: > 0 } name)
        {
            condition = " AND " + Condition(sql, $"ordered{index}", name, entry.Text("dataset_digest")).Replace("{0}", "newest", StringComparison.Ordinal);
        }

        return new EntityRows(
            $$"""
            LATERAL (SELECT newest.value FROM {{TrackingRelations.LoggedModelMetrics}} newest WHERE newest.model_id = m.id AND newest.key = {1}{{condition}}
                ORDER BY newest.at DESC, newest.step DESC LIMIT 1) {0}
            """,
            "{1} IS NOT NULL",
            "{0}.value");
    }

    private static string Condition(SearchSql sql, string parameter, string name, string? digest)
    {
        sql.Parameters.Add(parameter, name);
        if (digest is not { Length: > 0 })
        {
            return $"({{0}}.dataset_name = @{parameter})";
        }

        sql.Parameters.Add(parameter + "digest", digest);
        return $"({{0}}.dataset_name = @{parameter} AND {{0}}.dataset_digest = @{parameter}digest)";
    }
}
