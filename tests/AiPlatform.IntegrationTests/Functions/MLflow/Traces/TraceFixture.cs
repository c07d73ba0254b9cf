using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Traces.Otlp;
using AiPlatform.MLflow.Tracking;
using Google.Protobuf;

namespace AiPlatform.IntegrationTests.Functions.MLflow.Traces;

/// <summary>A user's project with an experiment, as MLflow 3 clients and OpenTelemetry exporters reach it.</summary>
internal sealed class TraceFixture
{
    private TraceFixture(HttpClient http, string project, string root)
        => (Http, Project, Root, MLflow) = (http, project, root, new MLflowClient(http, $"{root}/api/3.0/mlflow/"));

    public HttpClient Http { get; }

    public string Project { get; }

    /// <summary>The tracking URI's path.</summary>
    public string Root { get; }

    public MLflowClient MLflow { get; }

    public string Experiment { get; private set; } = string.Empty;

    public static async Task<TraceFixture> CreateAsync(FunctionsFixture functions)
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var fixture = new TraceFixture(user.Client, project.Id, $"/p/{project.Name}");
        fixture.Experiment = await fixture.MLflow.ExperimentAsync("traces");
        return fixture;
    }

    /// <summary>The same project as another caller.</summary>
    public TraceFixture As(HttpClient http) => new(http, Project, Root) { Experiment = Experiment };

    /// <summary>Starts a trace as MLflow 3 does when it has ended.</summary>
    public Task<JsonObject> StartAsync(string id, object? tags = null, object? metadata = null, string state = "OK", string time = "2026-01-02T03:04:05.678Z", string duration = "1.5s")
        => MLflow.PostAsync("traces", new
        {
            trace = new
            {
                trace_info = new
                {
                    trace_id = id,
                    trace_location = new { type = "MLFLOW_EXPERIMENT", mlflow_experiment = new { experiment_id = Experiment } },
                    request_time = time,
                    execution_duration = duration,
                    state,
                    tags = tags ?? new { },
                    trace_metadata = metadata ?? new { },
                },
            },
        });

    public async Task<JsonObject> InfoAsync(string id) => (await MLflow.GetAsync($"traces/{id}"))["trace"]!["trace_info"]!.AsObject();

    public async Task<List<string>> SearchAsync(string? filter = null, params string[] order)
        => [.. (await SearchAsync(new { locations = Locations, filter, order_by = order }))["traces"]!.AsArray().Select(static trace => (string)trace!["trace_id"]!)];

    public Task<JsonObject> SearchAsync(object body) => MLflow.PostAsync("traces/search", body);

    public object[] Locations => [new { type = "MLFLOW_EXPERIMENT", mlflow_experiment = new { experiment_id = Experiment } }];

    /// <summary>Exports spans as OpenTelemetry's exporters do.</summary>
    public Task<HttpResponseMessage> ExportAsync(params Span[] spans) => ExportAsync(Request(spans).ToByteArray(), "application/x-protobuf");

    public async Task<HttpResponseMessage> ExportAsync(byte[] body, string type, string? encoding = null, bool withExperiment = true)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"{Root}/v1/traces") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        if (encoding is not null)
        {
            request.Content.Headers.ContentEncoding.Add(encoding);
        }

        if (withExperiment)
        {
            request.Headers.Add("x-mlflow-experiment-id", Experiment);
        }

        return await Http.SendAsync(request);
    }

    /// <summary>Exports spans, which must be taken.</summary>
    public async Task LogAsync(params Span[] spans)
    {
        using var response = await ExportAsync(spans);
        Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
    }

    public static ExportTraceServiceRequest Request(params Span[] spans)
        => new() { ResourceSpans = { new ResourceSpans { ScopeSpans = { new ScopeSpans { Spans = { spans } } } } } };

    /// <summary>A span; ids are small numbers, times milliseconds after the second million of seconds.</summary>
    public static Span Span(int trace, int id, int parent = 0, string name = "span", int from = 0, int to = 10, params (string Key, object Value)[] attributes)
    {
        var span = new Span
        {
            TraceId = Id(trace, 16),
            SpanId = Id(id, 8),
            ParentSpanId = parent == 0 ? ByteString.Empty : Id(parent, 8),
            Name = name,
            StartTimeUnixNano = Nanoseconds(from),
            EndTimeUnixNano = to < 0 ? 0 : Nanoseconds(to),
            Status = new Status { Code = Status.Types.StatusCode.Ok },
        };
        span.Attributes.AddRange(attributes.Select(static pair => new KeyValue { Key = pair.Key, Value = Value(pair.Value) }));
        return span;
    }

    /// <summary>The id of a trace as MLflow knows it.</summary>
    public static string TraceId(int trace) => $"tr-{trace:x32}";

    public static byte[] Compress(byte[] body, string encoding)
    {
        using var target = new MemoryStream();
        using (Stream stream = encoding == "gzip" ? new GZipStream(target, CompressionMode.Compress) : new ZLibStream(target, CompressionMode.Compress))
        {
            stream.Write(body);
        }

        return target.ToArray();
    }

    public static byte[] Json(object body) => Encoding.UTF8.GetBytes(body as string ?? JsonSerializer.Serialize(body));

    private static ulong Nanoseconds(int milliseconds) => (2_000_000_000_000UL + (ulong)milliseconds) * 1_000_000;

    private static ByteString Id(int number, int length)
    {
        var bytes = new byte[length];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(length - 4), number);
        return ByteString.CopyFrom(bytes);
    }

    private static AnyValue Value(object value) => value switch
    {
        string text => new AnyValue { StringValue = text },
        bool flag => new AnyValue { BoolValue = flag },
        int number => new AnyValue { IntValue = number },
        long number => new AnyValue { IntValue = number },
        double real => new AnyValue { DoubleValue = real },
        (string Key, object Value)[] pairs => new AnyValue
        {
            KvlistValue = new KeyValueList { Values = { pairs.Select(static pair => new KeyValue { Key = pair.Key, Value = Value(pair.Value) }) } },
        },
        object[] items => new AnyValue { ArrayValue = new ArrayValue { Values = { items.Select(Value) } } },
        _ => throw new ArgumentOutOfRangeException(nameof(value), value, "Unknown type."),
    };
}
