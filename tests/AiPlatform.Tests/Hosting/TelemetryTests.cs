using System.Diagnostics;
using AiPlatform.Hosting.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Trace;

namespace AiPlatform.Tests.Hosting;

public sealed class TelemetryTests
{
    private const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Fact]
    public async Task Without_an_endpoint_nobody_listens_and_no_span_is_made()
    {
        await using var app = Build();
        Assert.Null(app.Services.GetService<TracerProvider>());
        Assert.Null(Traces.Start("work", ActivityKind.Consumer, Parent));
    }

    [Theory]
    [InlineData("--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1")]
    [InlineData("--OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1/v1/traces")]
    public async Task With_an_endpoint_a_span_goes_on_from_the_trace_that_it_is_given(string endpoint)
    {
        await using var app = Build(endpoint);
        using var provider = app.Services.GetRequiredService<TracerProvider>();
        using var span = Traces.Start("work", ActivityKind.Consumer, Parent);
        Assert.Equal((true, "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"), (span!.Recorded, span.TraceId.ToString(), span.ParentSpanId.ToString()));
        Assert.Same(span, Activity.Current);
    }

    [Fact]
    public void What_is_called_without_an_exporter_is_told_the_trace_all_the_same()
    {
        using (var carrier = Traces.Continue("work", ActivityKind.Internal, Parent))
        {
            Assert.Same(carrier, Activity.Current);
            Assert.Equal("0af7651916cd43dd8448eb211c80319c", carrier.TraceId.ToString());
        }

        using var root = Traces.Continue("work", ActivityKind.Internal, traceparent: null);
        Assert.NotEqual("0af7651916cd43dd8448eb211c80319c", root.TraceId.ToString());
    }

    [Theory]
    [InlineData(ActivityKind.Client, 1, SamplingDecision.Drop)]
    [InlineData(ActivityKind.Server, 1, SamplingDecision.RecordAndSample)]
    [InlineData(ActivityKind.Consumer, 1, SamplingDecision.RecordAndSample)]
    [InlineData(ActivityKind.Producer, 1, SamplingDecision.RecordAndSample)]
    [InlineData(ActivityKind.Internal, 1, SamplingDecision.RecordAndSample)]
    [InlineData(ActivityKind.Server, 0, SamplingDecision.Drop)]
    public void A_call_that_belongs_to_nothing_begins_no_trace(ActivityKind kind, double ratio, SamplingDecision expected)
    {
        var parameters = new SamplingParameters(default, ActivityTraceId.CreateRandom(), "work", kind);
        Assert.Equal(expected, new WorkSampler(ratio).ShouldSample(parameters).Decision);
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("-0.1")]
    [InlineData("NaN")]
    [InlineData("often")]
    public void A_share_of_traces_that_is_none_is_refused(string ratio)
    {
        var exception = Assert.Throws<InvalidOperationException>(() => Build("--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", $"--OTEL_TRACES_SAMPLER_ARG={ratio}"));
        Assert.Contains("OTEL_TRACES_SAMPLER_ARG", exception.Message, StringComparison.Ordinal);
    }

    private static WebApplication Build(params string[] args) => WebApplication.CreateSlimBuilder(args).AddTelemetry("test").Build();
}
