using System.Text.Json;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search.Index;

namespace AiPlatform.MLflow.Tracking;

/// <summary>Histories of metrics.</summary>
internal sealed class HistoryApi(RunDirectory runs, MetricReader metrics)
{
    private const int MaxPage = 25_000;
    private const int MaxRuns = 100;
    private const int MaxIntervalPoints = 2_500;

    /// <summary><c>metrics/get-history</c>.</summary>
    public async Task GetAsync(MLflowCall call)
    {
        var run = await runs.RequireAsync(call.Text("run_id") is { Length: > 0 } id ? id : call.RequiredText("run_uuid"), call.Caller, call.Token);
        var key = call.RequiredText("metric_key");
        IReadOnlyList<StoredPoint> points;
        string? next;
        try
        {
            (points, next) = await metrics.PageAsync(run.Id, key, allAttempts: false, call.Text("page_token"), call.MaxResults(MaxPage, MaxPage), call.Token);
        }
        catch (ApiException exception) when (exception.Code == Contracts.ErrorCodes.InvalidPageToken)
        {
            throw MLflowException.Invalid("Invalid page token, could not base64-decode");
        }

        await call.WriteAsync(json =>
        {
            json.WriteStartArray("metrics"u8);
            foreach (var point in points)
            {
                Write(json, key, point, null);
            }

            json.WriteEndArray();
            if (next is not null)
            {
                json.WriteString("next_page_token"u8, next);
            }
        });
    }

    /// <summary><c>metrics/get-history-bulk</c>: one metric of several runs, run by run, at most so many points in all.</summary>
    public async Task BulkAsync(MLflowCall call)
    {
        var ids = call.Texts("run_id");
        if (ids.Count == 0)
        {
            throw MLflowException.Invalid("GetMetricHistoryBulk request must specify at least one run_id.");
        }

        if (ids.Count > MaxRuns)
        {
            throw MLflowException.Invalid($"GetMetricHistoryBulk request cannot specify more than {MaxRuns} run_ids. Received {ids.Count} run_ids.");
        }

        var key = call.Text("metric_key") is { Length: > 0 } asked ? asked : throw MLflowException.Invalid("GetMetricHistoryBulk request must specify a metric_key.");
        var limit = call.MaxResults(MaxPage, MaxPage);
        foreach (var id in ids)
        {
            await runs.RequireAsync(id, call.Caller, call.Token);
        }

        var series = await metrics.ReadAsync([.. ids.Distinct(StringComparer.Ordinal)], [key], allAttempts: false, call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteStartArray("metrics"u8);
            foreach (var (id, point) in ids.Order(StringComparer.Ordinal).SelectMany(id => (series.GetValueOrDefault((id, key)) ?? []).Select(point => (id, point))).Take(limit))
            {
                Write(json, key, point, id);
            }

            json.WriteEndArray();
        });
    }

    /// <summary><c>metrics/get-history-bulk-interval</c>: one metric of several runs, at most so many points of each.</summary>
    public async Task BulkIntervalAsync(MLflowCall call)
    {
        var ids = call.Texts("run_ids");
        if (ids.Count == 0)
        {
            throw MLflowException.Required("run_ids");
        }

        if (ids.Count > MaxRuns)
        {
            throw MLflowException.Invalid($"GetMetricHistoryBulkInterval request must specify at most {MaxRuns} run_ids. Received {ids.Count} run_ids.");
        }

        var key = call.RequiredText("metric_key");
        var limit = call.Number("max_results") is null or (>= 1 and <= MaxIntervalPoints)
            ? (int)(call.Number("max_results") ?? MaxIntervalPoints)
            : throw MLflowException.Invalid($"max_results must be between 1 and {MaxIntervalPoints}.");
        var start = call.Number("start_step");
        var end = call.Number("end_step");
        if (start is null != end is null)
        {
            throw MLflowException.Invalid("If either start step or end step are specified, both must be specified.");
        }

        if (start > end)
        {
            throw MLflowException.Invalid($"end_step must be greater than start_step. Found start_step={start} and end_step={end}.");
        }

        foreach (var id in ids)
        {
            await runs.RequireAsync(id, call.Caller, call.Token);
        }

        var series = await metrics.ReadAsync([.. ids.Distinct(StringComparer.Ordinal)], [key], allAttempts: false, call.Token);
        var steps = Sample([.. ids.Select(id => series.GetValueOrDefault((id, key)) ?? [])], start, end, limit);
        await call.WriteAsync(json =>
        {
            json.WriteStartArray("metrics"u8);
            foreach (var id in ids)
            {
                foreach (var point in (series.GetValueOrDefault((id, key)) ?? []).Where(point => steps.Contains(point.Step)).OrderBy(point => point.Step).ThenBy(point => point.At).Take(MaxPage))
                {
                    Write(json, key, point, id);
                }
            }

            json.WriteEndArray();
        });
    }

    // The steps that are shown, the same for all runs, as MLflow's own server chooses them: every so many of those that there are,
    // and the first and last one of each run.
    private static HashSet<long> Sample(IReadOnlyList<StoredPoint>[] runs, long? start, long? end, int limit)
    {
        var all = runs.SelectMany(static points => points.Select(static point => point.Step)).Distinct().Order().ToArray();
        var (low, high) = (start ?? 0, end ?? (all.Length > 0 ? all[^1] : 0));
        var within = all.Where(step => step >= low && step <= high).ToArray();
        var steps = new HashSet<long>();
        if (within.Length <= limit)
        {
            steps.UnionWith(within);
        }
        else
        {
            var every = within.Length / (double)limit;
            steps.UnionWith(Enumerable.Range(0, limit).Select(i => within[(int)(i * every)]));
            steps.Add(within[^1]);
        }

        foreach (var points in runs.Where(static points => points.Count > 0))
        {
            steps.UnionWith(new[] { points.Min(static point => point.Step), points.Max(static point => point.Step) }.Where(step => step >= low && step <= high));
        }

        return steps;
    }

    private static void Write(Utf8JsonWriter json, string key, StoredPoint point, string? runId)
    {
        json.WriteStartObject();
        json.WriteString("key"u8, key);
        RunJson.Number(json, point.Value);
        json.WriteNumber("timestamp"u8, point.At / 1_000);
        json.WriteNumber("step"u8, point.Step);
        if (runId is not null)
        {
            json.WriteString("run_id"u8, runId);
        }

        json.WriteEndObject();
    }
}
