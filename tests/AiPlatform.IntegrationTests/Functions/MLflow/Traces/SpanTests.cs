using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Traces.Otlp;
using Google.Protobuf;

namespace AiPlatform.IntegrationTests.Functions.MLflow.Traces;

[Collection(TrackingCollection.Name)]
public sealed class SpanTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task What_is_logged_twice_counts_once()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var spans = new[]
        {
            TraceFixture.Span(1, 1, 0, "answer", 0, 100, ("mlflow.spanInputs", (object)new (string, object)[] { ("q", "why") }), ("mlflow.spanOutputs", "because"), ("session.id", "s-1")),
            TraceFixture.Span(1, 2, 1, "model", 10, 50, Usage(10, 5), ("mlflow.llm.cost", new (string, object)[] { ("total_cost", 0.25) })),

            // What the framework's call used is what the call of the model below it used.
            TraceFixture.Span(1, 3, 2, "http", 20, 40, Usage(10, 5)),
            TraceFixture.Span(1, 4, 1, "second", 60, 90, ("gen_ai.usage.input_tokens", 3), ("gen_ai.usage.output_tokens", 4)),
        };
        for (var i = 0; i < 3; i++)
        {
            await project.LogAsync(spans);
        }

        var info = await project.InfoAsync(TraceFixture.TraceId(1));
        Assert.Equal(("OK", "0.100s", "answer"), ((string)info["state"]!, (string)info["execution_duration"]!, (string)info["tags"]!["mlflow.traceName"]!));
        Assert.Equal("""{"input_tokens":13,"output_tokens":9,"total_tokens":22}""", (string)info["trace_metadata"]!["mlflow.trace.tokenUsage"]!);
        Assert.Equal(0.25, (double)JsonNode.Parse((string)info["trace_metadata"]!["mlflow.trace.cost"]!)!["total_cost"]!);
        Assert.Equal(("""{"q":"why"}""", "\"because\"", "s-1"), ((string)info["request_preview"]!, (string)info["response_preview"]!, (string)info["trace_metadata"]!["mlflow.trace.session"]!));
        Assert.Equal(4, (await SpansAsync(project, 1)).Count);
    }

    [Fact]
    public async Task A_trace_grows_batch_by_batch_and_ends_with_its_root()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.LogAsync(TraceFixture.Span(1, 2, 1, "child", 10, 50));
        var info = await project.InfoAsync(TraceFixture.TraceId(1));
        Assert.Equal(("IN_PROGRESS", "0.040s"), ((string)info["state"]!, (string)info["execution_duration"]!));
        await project.LogAsync(TraceFixture.Span(1, 1, 0, "root", 0, to: -1));
        Assert.Equal("IN_PROGRESS", (string)(await project.InfoAsync(TraceFixture.TraceId(1)))["state"]!);
        var root = TraceFixture.Span(1, 1, 0, "root", 0, 80);
        root.Status = new Status { Code = Status.Types.StatusCode.Error, Message = "it broke" };
        await project.LogAsync(root);

        // What was sent while the span ran comes late.
        await project.LogAsync(TraceFixture.Span(1, 1, 0, "root", 0, to: -1));
        info = await project.InfoAsync(TraceFixture.TraceId(1));
        Assert.Equal(("ERROR", "0.080s"), ((string)info["state"]!, (string)info["execution_duration"]!));
        Assert.Equal(["root", "child"], (await SpansAsync(project, 1)).Select(static span => (string)span!["name"]!));
    }

    [Fact]
    public async Task A_request_is_stored_whole_or_not_at_all()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var broken = TraceFixture.Span(2, 1);
        broken.SpanId = ByteString.CopyFrom(1, 2, 3);
        using var refused = await project.ExportAsync(TraceFixture.Span(1, 1), broken);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Empty(await project.SearchAsync());

        // Another's trace, in the middle of one's own.
        var run = await project.MLflow.RunAsync(project.Experiment);
        await project.LogAsync(TraceFixture.Span(5, 1));
        var job = project.As(functions.Job("0123456789abcdef0123456789abcdef", run));
        using var foreign = await job.ExportAsync(TraceFixture.Span(4, 1), TraceFixture.Span(5, 2), TraceFixture.Span(6, 1));
        Assert.Equal(HttpStatusCode.BadRequest, foreign.StatusCode);
        Assert.Equal([TraceFixture.TraceId(5)], await project.SearchAsync());
    }

    [Theory]
    [InlineData("identity")]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task Bodies_come_as_protobuf_and_as_json_compressed_or_not(string encoding)
    {
        var project = await TraceFixture.CreateAsync(functions);
        var protobuf = TraceFixture.Request(TraceFixture.Span(1, 1, name: "protobuf")).ToByteArray();
        var json = TraceFixture.Json(JsonSpan("0000000000000000000000000000000A", "json"));
        foreach (var (body, type) in ((byte[] Body, string Type)[])[(protobuf, "application/x-protobuf"), (json, "application/json")])
        {
            using var response = await project.ExportAsync(encoding == "identity" ? body : TraceFixture.Compress(body, encoding), type, encoding == "identity" ? null : encoding);
            Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
            Assert.Equal(type, response.Content.Headers.ContentType!.MediaType);
        }

        Assert.Equal(["json", "protobuf"], (await project.SearchAsync(null, "name")).Select(id => id.EndsWith('a') ? "json" : "protobuf"));
        var attributes = (await SpansAsync(project, 10))[0]!["attributes"]!.AsArray().ToDictionary(static pair => (string)pair!["key"]!, static pair => pair!["value"]!.ToJsonString(), StringComparer.Ordinal);
        Assert.Equal("""{"string_value":"apple"}""", attributes["fruit"]);
        Assert.Equal("""{"int_value":9007199254740993}""", attributes["big"]);
        Assert.Equal("""{"array_value":{"values":[{"bool_value":true},{"double_value":0.5}]}}""", attributes["list"]);
    }

    [Theory]
    [InlineData("text/plain", "{}", null, 400)]
    [InlineData("application/x-protobuf", "this is not protobuf", null, 400)]
    [InlineData("application/json", "{", null, 400)]
    [InlineData("application/json", "[]", null, 400)]
    [InlineData("application/json", "{}", null, 400)]
    [InlineData("application/json", """{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz","spanId":"1"}]}]}]}""", null, 400)]
    [InlineData("application/json", """{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00","spanId":"00"}]}]}]}""", null, 422)]
    [InlineData("application/json", """{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\ud800"}]}]}]}""", null, 400)]
    [InlineData("application/json", """{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":-1}]}]}]}""", null, 400)]
    [InlineData("application/json", "{}", "br", 400)]
    [InlineData("application/json", "{}", "gzip", 400)]
    public async Task What_is_no_export_is_refused(string type, string body, string? encoding, int status)
    {
        var project = await TraceFixture.CreateAsync(functions);
        using var response = await project.ExportAsync(Encoding.UTF8.GetBytes(body), type, encoding);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.NotNull(JsonNode.Parse(await response.Content.ReadAsStringAsync())!["message"]);
    }

    [Fact]
    public async Task An_export_names_its_experiment_and_does_not_unfold_without_end()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var body = TraceFixture.Request(TraceFixture.Span(1, 1)).ToByteArray();
        using var nameless = await project.ExportAsync(body, "application/x-protobuf", withExperiment: false);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, nameless.StatusCode);
        using var bomb = await project.ExportAsync(TraceFixture.Compress(new byte[70 * 1024 * 1024], "gzip"), "application/x-protobuf", "gzip");
        Assert.Equal(HttpStatusCode.BadRequest, bomb.StatusCode);
        Assert.Contains("larger than", await bomb.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hostile_texts_are_kept_and_come_back()
    {
        var project = await TraceFixture.CreateAsync(functions);
        var root = TraceFixture.Span(1, 1, 0, "a\0b", 0, 10, ("nul", "x\0y"), ("k\0ey", 1), ("half", "\"\\ud800\""), ("mlflow.spanInputs", "{\"a\":\"\\u0000\"}"), ("nan", double.NaN));
        root.Events.Add(new Span.Types.Event { Name = "e\0", TimeUnixNano = ulong.MaxValue, Attributes = { new KeyValue { Key = "z", Value = new AnyValue { StringValue = "\0" } } } });
        await project.LogAsync(root);
        using (var json = await project.ExportAsync(TraceFixture.Json(JsonSpan("0000000000000000000000000000000b", "n\\u0000")), "application/json"))
        {
            Assert.True(json.IsSuccessStatusCode, await json.Content.ReadAsStringAsync());
        }

        var span = Assert.Single(await SpansAsync(project, 1))!;
        Assert.Equal("a\uFFFDb", (string)span["name"]!);
        var attributes = span["attributes"]!.AsArray().ToDictionary(static pair => (string)pair!["key"]!, static pair => pair!["value"]!, StringComparer.Ordinal);
        Assert.Equal(("x\0y", "NaN", "\"\\ud800\""), ((string)attributes["nul"]["string_value"]!, (string)attributes["nan"]["string_value"]!, (string)attributes["half"]["string_value"]!));
        Assert.Equal("e\0", (string)span["events"]![0]!["name"]!);
        Assert.Equal(HttpStatusCode.OK, (await project.Http.GetAsync($"{project.Root}/ajax-api/2.0/mlflow/get-trace-artifact?request_id={TraceFixture.TraceId(1)}")).StatusCode);
    }

    [Fact]
    public async Task Spans_are_searched_by_name_type_attribute_and_text()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.LogAsync(TraceFixture.Span(1, 1, 0, "one", 0, 10, ("openinference.span.kind", "LLM"), ("model", "small"), ("note", "I like it")));
        await project.LogAsync(TraceFixture.Span(2, 1, 0, "two", 20, 30, ("mlflow.spanType", "TOOL"), ("model", "large")));
        Assert.Equal([TraceFixture.TraceId(1)], await project.SearchAsync("span.type = 'LLM'"));
        Assert.Equal([TraceFixture.TraceId(2)], await project.SearchAsync("span.name IN ('two', 'three')"));
        Assert.Equal([TraceFixture.TraceId(2)], await project.SearchAsync("span.attributes.model = 'large' AND span.status = 'OK'"));
        Assert.Equal([TraceFixture.TraceId(1)], await project.SearchAsync("trace.text LIKE '%like it%'"));
        Assert.Equal([TraceFixture.TraceId(2)], await project.SearchAsync("name ILIKE 'T%'"));
    }

    [Fact]
    public async Task Clients_that_put_a_file_among_artifacts_find_spans_like_all_others()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.StartAsync("tr-file", metadata: new Dictionary<string, string> { ["mlflow.trace.sizeStats"] = """{"num_spans": 1}""" });
        var location = (string)(await project.InfoAsync("tr-file"))["tags"]!["mlflow.artifactLocation"]!;
        var path = $"{project.Root}/api/2.0/mlflow-artifacts/artifacts/{location["mlflow-artifacts:/".Length..]}/traces.json";
        const string file = """
            {"spans":[{"trace_id":"AAAAAAAAAAAAAAAAAAAABw==","span_id":"AAAAAAAAAAE=","parent_span_id":null,"name":"test","start_time_unix_nano":2000,"end_time_unix_nano":3000,
            "events":[{"name":"test_event","time_unix_nano":99999,"attributes":{"foo":"bar"}}],"status":{"code":"STATUS_CODE_OK","message":""},
            "attributes":{"fruit":"\"apple\"","mlflow.spanType":"\"LLM\""}}]}
            """;
        Assert.Equal(HttpStatusCode.OK, (await project.Http.PutAsync(path, new StringContent(file))).StatusCode);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(file), JsonNode.Parse(await project.Http.GetStringAsync(path))));
        var artifact = await project.Http.GetAsync($"{project.Root}/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-file");
        Assert.Equal("attachment; filename=traces.json", artifact.Content.Headers.GetValues("Content-Disposition").Single());
        var span = (await project.MLflow.GetAsync("traces/get?trace_id=tr-file"))["trace"]!["spans"]![0]!;
        Assert.Equal("AAAAAAAAAAAAAAAAAAAABw==", (string)span["trace_id"]!);
        Assert.Contains(span["attributes"]!.AsArray(), static pair => pair!.ToJsonString() == """{"key":"fruit","value":{"string_value":"apple"}}""");
        Assert.Single((await project.MLflow.GetAsync("traces/batchGet?trace_ids=tr-file&trace_ids=tr-none"))["traces"]!.AsArray());

        // Python names a span as it likes.
        Assert.Equal(HttpStatusCode.OK, (await project.Http.PutAsync(path, new StringContent(file.Replace("\"test\"", "1234", StringComparison.Ordinal)))).StatusCode);
        Assert.Equal("1234", (string)(await project.MLflow.GetAsync("traces/get?trace_id=tr-file"))["trace"]!["spans"]![0]!["name"]!);
        foreach (var wrong in (string[])["[]", "{\"spans\":[1]}", "{\"spans\":[{\"trace_id\":\"x\"}]}", "{\"spans\":[{\"name\":\"\\ud800\"}]}"])
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await project.Http.PutAsync(path, new StringContent(wrong))).StatusCode);
        }
    }

    [Fact]
    public async Task Clients_of_MLflow_2_find_spans_with_a_context()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.StartAsync("tr-old", metadata: new Dictionary<string, string> { ["mlflow.trace_schema.version"] = "2" });
        await project.StartAsync("tr-new", metadata: new Dictionary<string, string> { ["mlflow.trace_schema.version"] = "3" });
        const string old = """
            {"spans":[{"name":"test","context":{"span_id":"0x0000000000000001","trace_id":"0x00000000000000000000000000000007"},"parent_id":null,"start_time":2000,"end_time":3000,
            "status_code":"OK","status_message":"","attributes":{"mlflow.traceRequestId":"\"tr-old\"","fruit":"\"apple\""},"events":[{"name":"e","timestamp":99,"attributes":{"foo":"bar"}}]}]}
            """;
        async Task<string> PathAsync(string trace)
            => $"{project.Root}/api/2.0/mlflow-artifacts/artifacts/{((string)(await project.InfoAsync(trace))["tags"]!["mlflow.artifactLocation"]!)["mlflow-artifacts:/".Length..]}/traces.json";
        async Task<JsonNode?> ReadAsync(string path, string? client)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (client is not null)
            {
                request.Headers.UserAgent.ParseAdd(client);
            }

            using var answer = await project.Http.SendAsync(request);
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync());
        }

        var path = await PathAsync("tr-old");
        Assert.Equal(HttpStatusCode.OK, (await project.Http.PutAsync(path, new StringContent(old))).StatusCode);

        // The page of MLflow says no version: it gets what the client that made the trace had written.
        foreach (var (file, client) in (IEnumerable<(string, string?)>)[(path, "mlflow-python-client/2.17.2"), ($"{project.Root}/ajax-api/2.0/mlflow/get-trace-artifact?request_id=tr-old", null)])
        {
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(old), await ReadAsync(file, client)));
        }

        Assert.NotNull((await ReadAsync(path, "mlflow-python-client/3.4.0"))!["spans"]![0]!["start_time_unix_nano"]);
        var newer = await PathAsync("tr-new");
        var renamed = (await ReadAsync(path, "mlflow-python-client/3.4.0"))!;
        renamed["spans"]![0]!["attributes"]!.AsObject().Remove("mlflow.traceRequestId");
        Assert.Equal(HttpStatusCode.OK, (await project.Http.PutAsync(newer, new StringContent(renamed.ToJsonString()))).StatusCode);
        Assert.NotNull((await ReadAsync(newer, null))!["spans"]![0]!["start_time_unix_nano"]);
        var seen = (await ReadAsync(newer, "mlflow-python-client/2.20.0"))!["spans"]![0]!;
        Assert.Equal(("0x0000000000000001", "\"tr-new\""), ((string)seen["context"]!["span_id"]!, (string)seen["attributes"]!["mlflow.traceRequestId"]!));
    }

    [Fact]
    public async Task A_trace_that_is_still_on_its_way_is_not_given_out_as_whole()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await project.LogAsync(TraceFixture.Span(1, 1));
        await project.StartAsync(TraceFixture.TraceId(1), metadata: new Dictionary<string, string> { ["mlflow.trace.sizeStats"] = """{"num_spans": 2}""" });
        Assert.Empty((await project.MLflow.GetAsync($"traces/batchGet?trace_ids={TraceFixture.TraceId(1)}"))["traces"]!.AsArray());
        Assert.Single((await project.MLflow.GetAsync($"traces/get?allow_partial=True&trace_id={TraceFixture.TraceId(1)}"))["trace"]!["spans"]!.AsArray());
        var whole = project.MLflow.GetAsync($"traces/get?trace_id={TraceFixture.TraceId(1)}");
        await project.LogAsync(TraceFixture.Span(1, 2, 1));
        Assert.Equal(2, (await whole)["trace"]!["spans"]!.AsArray().Count);
    }

    [Fact]
    public async Task Exporters_that_write_the_same_traces_at_once_lose_nothing()
    {
        var project = await TraceFixture.CreateAsync(functions);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (var batch = 0; batch < 5; batch++)
            {
                var spans = Enumerable.Range(1, 4).OrderBy(trace => (trace * 7) + writer).Select(trace => TraceFixture.Span(trace, 1 + (writer * 5) + batch, 99, "s", batch, batch + 1, Usage(1, 1)));
                await project.LogAsync([.. spans]);
            }
        })));
        for (var trace = 1; trace <= 4; trace++)
        {
            Assert.Equal(40, (await project.MLflow.GetAsync($"traces/get?trace_id={TraceFixture.TraceId(trace)}"))["trace"]!["spans"]!.AsArray().Count);
            Assert.Equal(80, (int)JsonNode.Parse((string)(await project.InfoAsync(TraceFixture.TraceId(trace)))["trace_metadata"]!["mlflow.trace.tokenUsage"]!)!["total_tokens"]!);
        }
    }

    private static (string Key, object Value) Usage(int input, int output)
        => ("mlflow.chat.tokenUsage", new (string, object)[] { ("input_tokens", input), ("output_tokens", output), ("total_tokens", input + output) });

    private static string JsonSpan(string trace, string name) => """
        {"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{"name":"s"},"spans":[{"traceId":"TRACE","spanId":"00000000000000ff","name":"NAME","kind":2,
        "startTimeUnixNano":"2000000000000000000","endTimeUnixNano":2000000000001000000,"status":{"code":1},"attributes":[
        {"key":"fruit","value":{"stringValue":"apple"}},{"key":"big","value":{"intValue":"9007199254740993"}},
        {"key":"list","value":{"arrayValue":{"values":[{"boolValue":true},{"doubleValue":0.5}]}}}]}]}]}]}
        """.Replace("TRACE", trace, StringComparison.Ordinal).Replace("NAME", name, StringComparison.Ordinal);

    private static async Task<JsonArray> SpansAsync(TraceFixture project, int trace)
        => (await project.MLflow.GetAsync($"traces/get?trace_id={TraceFixture.TraceId(trace)}"))["trace"]!["spans"]!.AsArray();
}
