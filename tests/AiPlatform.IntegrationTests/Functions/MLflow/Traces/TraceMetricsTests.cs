using System.Net;
using System.Text.Json.Nodes;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow.Traces;

[Collection(TrackingCollection.Name)]
public sealed class TraceMetricsTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Invalid = "INVALID_PARAMETER_VALUE";

    [Fact]
    public async Task Traces_spans_and_assessments_are_counted_and_measured()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var named = new Dictionary<string, string> { ["mlflow.traceName"] = "ask" };
        foreach (var (id, duration, tokens, time) in ((string, string, int, string)[])
            [("tr-1", "1s", 10, "00:00:01"), ("tr-2", "2s", 20, "00:00:02"), ("tr-3", "3s", 30, "00:01:01"), ("tr-4", "10s", 40, "00:01:02")])
        {
            var usage = new Dictionary<string, string> { ["mlflow.trace.tokenUsage"] = $"{{\"input_tokens\": {tokens}, \"output_tokens\": 1, \"total_tokens\": {tokens + 1}}}" };
            await project.StartAsync(id, named, usage, id == "tr-4" ? "ERROR" : "OK", $"2026-01-01T{time}Z", duration);
        }

        await project.StartAsync("tr-5", metadata: new Dictionary<string, string> { ["mlflow.trace.tokenUsage"] = "not json" });
        Assert.Equal("ERROR=1 OK=4", await PointsAsync(project, "TRACES", "trace_count", ["COUNT"], "trace_status"));
        Assert.Equal("=100", await PointsAsync(project, "TRACES", "input_tokens", ["SUM"]));
        Assert.Equal("ask=4000,2500", await PointsAsync(project, "TRACES", "latency", ["AVG", "P50"], "trace_name"));
        var times = await QueryAsync(project, new
        {
            experiment_ids = new[] { project.Experiment }, view_type = "TRACES", metric_name = "trace_count", aggregations = new[] { new { aggregation_type = "COUNT" } }, time_interval_seconds = 60,
            end_time_ms = DateTimeOffset.Parse("2026-01-01T00:02:00Z", System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds(),
        });
        Assert.Equal(["2026-01-01T00:00:00+00:00 2", "2026-01-01T00:01:00+00:00 2"], times.Select(static point => $"{point!["dimensions"]!["time_bucket"]} {point["values"]!["COUNT"]}"));

        await project.LogAsync(TraceFixture.Span(1, 1, 0, "a", 0, 30, ("mlflow.spanType", "LLM")), TraceFixture.Span(1, 2, 1, "b", 0, 10));
        Assert.Equal("LLM=1 UNKNOWN=1", await PointsAsync(project, "SPANS", "span_count", ["COUNT"], "span_type"));
        Assert.Equal("=30", await PointsAsync(project, "SPANS", "latency", ["AVG"], null, "span.name = 'a'"));

        foreach (var (id, value) in ((string, object)[])[("tr-1", true), ("tr-2", "no"), ("tr-3", 0.5), ("tr-4", "other")])
        {
            await project.MLflow.PostAsync($"traces/{id}/assessments", new { assessment = new { assessment_name = "good", feedback = new { value }, source = new { source_type = "CODE" } } });
        }

        Assert.Equal("good=0.5", await PointsAsync(project, "ASSESSMENTS", "assessment_value", ["AVG"], "assessment_name"));
        Assert.Equal("=1", await PointsAsync(project, "ASSESSMENTS", "assessment_count", ["COUNT"], null, "trace.status = 'ERROR'", "assessment.name = 'good'"));
    }

    [Theory]
    [InlineData("MOON", "trace_count", "COUNT", null, null)]
    [InlineData("TRACES", "moon", "COUNT", null, null)]
    [InlineData("TRACES", "trace_count", "SUM", null, null)]
    [InlineData("TRACES", "trace_count", "COUNT", "span_name", null)]
    [InlineData("TRACES", "trace_count", "COUNT", null, "span.name = 'a'")]
    [InlineData("TRACES", "trace_count", "COUNT", null, "trace.status != 'OK'")]
    [InlineData("TRACES", "latency", "P101", null, null)]
    public async Task What_cannot_be_measured_is_refused(string view, string metric, string aggregation, string? dimension, string? filter)
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.MLflow.ErrorAsync("traces/metrics", Body(project, view, metric, [aggregation], dimension, filter is null ? [] : [filter]), HttpStatusCode.BadRequest, Invalid);
    }

    private static object Body(TraceFixture project, string view, string metric, string[] aggregations, string? dimension, string[] filters) => new
    {
        experiment_ids = new[] { project.Experiment },
        view_type = view,
        metric_name = metric,
        aggregations = aggregations.Select(static aggregation => aggregation[0] == 'P'
            ? (object)new { aggregation_type = "PERCENTILE", percentile_value = int.Parse(aggregation[1..], System.Globalization.CultureInfo.InvariantCulture) }
            : new { aggregation_type = aggregation }),
        dimensions = dimension is null ? [] : new[] { dimension },
        filters,
    };

    // dimension=value,value of each point.
    private static async Task<string> PointsAsync(TraceFixture project, string view, string metric, string[] aggregations, string? dimension = null, params string[] filters)
        => string.Join(' ', (await QueryAsync(project, Body(project, view, metric, aggregations, dimension, filters)))
            .Select(point => $"{(dimension is null ? string.Empty : point!["dimensions"]![dimension])}={string.Join(',', point!["values"]!.AsObject().Select(static value => value.Value!.ToJsonString()))}"));

    private static async Task<JsonArray> QueryAsync(TraceFixture project, object body) => (await project.MLflow.PostAsync("traces/metrics", body))["data_points"]!.AsArray();
}
