using System.Text.Json;
using AiPlatform.Functions.Features.Experiments.Metrics;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.MLflow.Http;

namespace AiPlatform.Functions.MLflow.Tracking;

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
        var limit = call.MaxResults(MaxIntervalPoints, MaxIntervalPoints);
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
        await call.WriteAsync(json =>
        {
            json.WriteStartArray("metrics"u8);
            foreach (var id in ids.Order(StringComparer.Ordinal))
            {
                var points = series.GetValueOrDefault((id, key)) ?? [];
                foreach (var point in Sample([.. points.Where(point => start is null || (point.Step >= start && point.Step <= end))], limit))
                {
                    Write(json, key, point, id);
                }
            }

            json.WriteEndArray();
        });
    }

    // Evenly over the steps, always with the first and the last: as MLflow's own server chooses them.
    private static IEnumerable<StoredPoint> Sample(StoredPoint[] points, int limit)
    {
        if (points.Length <= limit)
        {
            return points;
        }

        var every = (points.Length - 1) / (double)Math.Max(1, limit - 1);
        return Enumerable.Range(0, limit).Select(i => points[(int)Math.Round(i * every)]);
    }

    private static void Write(Utf8JsonWriter json, string key, StoredPoint point, string? runId)
    {
        json.WriteStartObject();
        json.WriteString("key"u8, key);
        RunDocument.Number(json, point.Value);
        json.WriteNumber("timestamp"u8, point.At / 1_000);
        json.WriteNumber("step"u8, point.Step);
        if (runId is not null)
        {
            json.WriteString("run_id"u8, runId);
        }

        json.WriteEndObject();
    }
}
