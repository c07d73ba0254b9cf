using System.Text;
using System.Text.Json.Nodes;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.MLflow.Traces;

/// <summary>Each field of each request about traces and evaluation gets what breaks texts, numbers and shapes: the client's fault is never the server's.</summary>
[Collection(TrackingCollection.Name)]
public sealed class HostileFieldTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Mark = "\"@@\"";

    private static readonly string[] Values =
    [
        "\"\\u0000\"", "\"a\\u0000b\"", "\"\\ud800\"", "null", "[null]", "[]", "{}", "{\"\\ud800\":1}", "{\"a\\u0000\":\"b\"}", "-1", "1e200000", "9223372036854775808", "0.5", "true", "\"\"", "\"1e131000\"",
        "\"9999-99-99T00:00:00Z\"", "\"99999999999s\"", "[[[[[[[[[[1]]]]]]]]]]",
    ];

    private static readonly string[] Queries = ["%00", "a%00b", "%ED%A0%80", "-1", "1e200000", "99999999999999999999", "", "[]", "a&page_token=x", "'"];

    [Theory]
    [InlineData("POST", "traces", """{"trace":{"trace_info":{"trace_id":"tr-1","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"EXPERIMENT"}},"request_time":"2026-01-01T00:00:00Z","execution_duration":"1s","state":"OK","client_request_id":"c","request_preview":"p","tags":{"a":"b"},"trace_metadata":{"a":"b"},"assessments":[{"assessment_name":"a","feedback":{"value":1},"source":{"source_type":"HUMAN","source_id":"s"}}]}}}""")]
    [InlineData("POST", "traces", """{"experiment_id":"EXPERIMENT","timestamp_ms":1,"request_metadata":[{"key":"a","value":"b"}],"tags":[{"key":"a","value":"b"}]}""")]
    [InlineData("PATCH", "traces/tr-0", """{"timestamp_ms":5,"status":"OK","request_metadata":[{"key":"a","value":"b"}],"tags":[]}""")]
    [InlineData("POST", "traces/search", """{"locations":[{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"EXPERIMENT"}}],"filter":"tags.a = 'b'","max_results":5,"order_by":["timestamp"],"page_token":"WyIxIl0"}""")]
    [InlineData("POST", "traces/delete-traces", """{"experiment_id":"EXPERIMENT","max_timestamp_millis":1,"max_traces":1}""")]
    [InlineData("POST", "traces/delete-traces", """{"experiment_id":"EXPERIMENT","request_ids":["x"]}""")]
    [InlineData("PATCH", "traces/tr-0/tags", """{"key":"a","value":"b"}""")]
    [InlineData("DELETE", "traces/tr-0/tags", """{"key":"zzz"}""")]
    [InlineData("POST", "traces/link-to-run", """{"trace_ids":["tr-0"],"run_id":"r"}""")]
    [InlineData("POST", "traces/link-prompts", """{"trace_id":"tr-0","prompt_versions":[{"name":"a","version":"1"}]}""")]
    [InlineData("POST", "traces/calculate-filter-correlation", """{"experiment_ids":["EXPERIMENT"],"filter_string1":"tags.a = 'b'","filter_string2":"tags.a = 'b'","base_filter":"tags.a = 'b'"}""")]
    [InlineData("POST", "traces/metrics", """{"experiment_ids":["EXPERIMENT"],"view_type":"TRACES","metric_name":"latency","aggregations":[{"aggregation_type":"PERCENTILE","percentile_value":50}],"dimensions":["trace_name"],"filters":["trace.status = 'OK'"],"time_interval_seconds":60,"start_time_ms":1,"end_time_ms":2,"max_results":5,"page_token":"WyIxIl0"}""")]
    [InlineData("POST", "traces/tr-0/assessments", """{"assessment":{"assessment_id":"a-1","assessment_name":"a","span_id":"s","feedback":{"value":{"a":[1]},"error":{"error_code":"E","error_message":"m"}},"source":{"source_type":"HUMAN","source_id":"s"},"rationale":"r","metadata":{"a":"b"},"overrides":"a-0","valid":true,"create_time":"2026-01-01T00:00:00Z","last_update_time":"2026-01-01T00:00:00Z"}}""")]
    [InlineData("POST", "traces/tr-0/assessments", """{"assessment":{"assessment_name":"a","expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":"[1]"}},"source":{"source_type":"CODE"}}}""")]
    [InlineData("PATCH", "traces/tr-0/assessments/a-0", """{"assessment":{"assessment_name":"a","feedback":{"value":1},"rationale":"r","metadata":{"a":"b"},"valid":true},"update_mask":"assessment_name,feedback,rationale,metadata,valid"}""")]
    [InlineData("POST", "datasets/create", """{"name":"d","experiment_ids":["EXPERIMENT"],"tags":"{\"a\":\"b\"}","schema":"{}","profile":"{}"}""")]
    [InlineData("POST", "datasets/search", """{"experiment_ids":["EXPERIMENT"],"filter_string":"name = 'a'","max_results":5,"order_by":["name"],"page_token":"WyIxIl0"}""")]
    [InlineData("PATCH", "datasets/DATASET/tags", """{"tags":"{\"a\":null}"}""")]
    [InlineData("POST", "datasets/DATASET/records", """{"records":"[{\"inputs\":{\"a\":1}}]","updated_by":"u"}""")]
    [InlineData("POST", "datasets/DATASET/add-experiments", """{"experiment_ids":["EXPERIMENT"]}""")]
    [InlineData("POST", "datasets/DATASET/remove-experiments", """{"experiment_ids":["EXPERIMENT"]}""")]
    [InlineData("POST", "scorers/register", """{"experiment_id":"EXPERIMENT","name":"s","serialized_scorer":"{}"}""")]
    [InlineData("DELETE", "scorers/delete", """{"experiment_id":"EXPERIMENT","name":"zzz","version":1}""")]
    public async Task A_field_of_a_body(string method, string path, string body)
    {
        var (project, dataset) = await PrepareAsync();
        foreach (var (hostile, field) in Mutations(body.Replace("EXPERIMENT", project.Experiment, StringComparison.Ordinal)))
        {
            using var response = await project.MLflow.SendAsync(method, path.Replace("DATASET", dataset, StringComparison.Ordinal), hostile);
            Assert.True((int)response.StatusCode < 500, $"{field}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}\n{hostile}");
        }
    }

    [Fact]
    public async Task A_field_of_an_export()
    {
        var (project, _) = await PrepareAsync();
        const string body = """
            {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0000000000000000000000000000000a","spanId":"00000000000000ff","parentSpanId":"0000000000000001","name":"n","startTimeUnixNano":"1",
            "endTimeUnixNano":2,"status":{"code":1,"message":"m"},"attributes":[{"key":"k","value":{"stringValue":"s"}},{"key":"mlflow.traceRequestId","value":{"stringValue":"tr-9"}},
            {"key":"b","value":{"bytesValue":"AA=="}},{"key":"d","value":{"doubleValue":"NaN"}},{"key":"l","value":{"kvlistValue":{"values":[{"key":"x","value":{"intValue":1}}]}}}],
            "events":[{"name":"e","timeUnixNano":1,"attributes":[]}]}]}]}]}
            """;
        foreach (var (hostile, field) in Mutations(body))
        {
            using var response = await project.ExportAsync(Encoding.UTF8.GetBytes(hostile), "application/json");
            Assert.True((int)response.StatusCode < 500, $"{field}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}\n{hostile}");
        }
    }

    [Theory]
    [InlineData("traces?experiment_ids=@&filter=@&max_results=@&order_by=@&page_token=@")]
    [InlineData("traces/@")]
    [InlineData("traces/@/info")]
    [InlineData("traces/get?trace_id=@&allow_partial=@")]
    [InlineData("traces/batchGet?trace_ids=@")]
    [InlineData("traces/batchGetInfos?trace_ids=@")]
    [InlineData("traces/tr-0/assessments/@")]
    [InlineData("get-trace-artifact?request_id=@")]
    [InlineData("datasets/@")]
    [InlineData("datasets/@/experiment-ids")]
    [InlineData("datasets/DATASET/records?max_results=@&page_token=@")]
    [InlineData("scorers/list?experiment_id=@")]
    [InlineData("scorers/get?experiment_id=EXPERIMENT&name=@&version=@")]
    [InlineData("scorers/versions?experiment_id=EXPERIMENT&name=@")]
    public async Task A_parameter_of_a_query(string path)
    {
        var (project, dataset) = await PrepareAsync();
        path = path.Replace("DATASET", dataset, StringComparison.Ordinal).Replace("EXPERIMENT", project.Experiment, StringComparison.Ordinal);
        foreach (var value in Queries)
        {
            using var response = await project.Http.GetAsync($"{project.Root}/api/3.0/mlflow/{path.Replace("@", value, StringComparison.Ordinal)}");
            Assert.True((int)response.StatusCode < 500, $"{value}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        }
    }

    private async Task<(TraceFixture Project, string Dataset)> PrepareAsync()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.StartAsync("tr-0");
        await project.MLflow.PostAsync("traces/tr-0/assessments", new { assessment = new { assessment_id = "a-0", assessment_name = "a", feedback = new { value = 1 }, source = new { source_type = "HUMAN" } } });
        return (project, (string)(await project.MLflow.PostAsync("datasets/create", new { name = "set" }))["dataset"]!["dataset_id"]!);
    }

    private static IEnumerable<(string Body, string Field)> Mutations(string body)
    {
        foreach (var path in Paths(JsonNode.Parse(body)!, []))
        {
            var copy = JsonNode.Parse(body)!;
            var parent = path[..^1].Aggregate(copy, static (node, step) => step is int index ? node[index]! : node[(string)step]!);
            if (path[^1] is int last)
            {
                parent[last] = "@@";
            }
            else
            {
                parent[(string)path[^1]] = "@@";
            }

            var marked = copy.ToJsonString();
            foreach (var value in Values)
            {
                yield return (marked.Replace(Mark, value, StringComparison.Ordinal), string.Join('.', path));
            }
        }
    }

    private static IEnumerable<object[]> Paths(JsonNode node, object[] path)
    {
        var children = node switch
        {
            JsonObject map => map.Select(static pair => ((object)pair.Key, pair.Value)),
            JsonArray list => list.Select(static (item, index) => ((object)index, item)),
            _ => [],
        };
        foreach (var (step, child) in children)
        {
            object[] own = [.. path, step];
            yield return own;
            if (child is not null)
            {
                foreach (var deeper in Paths(child, own))
                {
                    yield return deeper;
                }
            }
        }
    }
}
