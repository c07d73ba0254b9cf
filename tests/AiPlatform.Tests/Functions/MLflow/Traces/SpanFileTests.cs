using System.Text.Json;
using AiPlatform.MLflow.Traces;
using AiPlatform.Ports.MLflow;
using CsCheck;

namespace AiPlatform.Tests.Functions.MLflow.Traces;

public sealed class SpanFileTests
{
    private const string Two = """
        {"name":"f","context":{"span_id":"0x00000000000000ff","trace_id":"0x000000000000000000000000000000aa"},"parent_id":"0x0000000000000001","start_time":1000,"end_time":2000,
        "status_code":"ERROR","status_message":"broke","attributes":{"mlflow.spanType":"\"LLM\"","n":1},"events":[{"name":"e","timestamp":5,"attributes":{"a":1}}]}
        """;

    private static readonly string[] Parts =
    [
        "\"name\":\"x\"", "\"name\":1", "\"trace_id\":\"AAAAAAAAAAAAAAAAAAAABw==\"", "\"trace_id\":\"\"", "\"span_id\":\"AAAAAAAAAAE=\"", "\"start_time_unix_nano\":1", "\"start_time_unix_nano\":-1",
        "\"end_time_unix_nano\":\"9\"", "\"status\":{}", "\"status\":[]", "\"attributes\":{\"a\":{\"b\":[]}}", "\"attributes\":[1]", "\"events\":[{}]", "\"events\":[1]", "\"context\":{}",
        "\"parent_span_id\":\"zz\"", "\"parent_span_id\":null", "\"attributes\":{\"\\ud800\":1}",
    ];

    [Fact]
    public void Spans_of_MLflow_2_are_read()
    {
        using var document = JsonDocument.Parse(Two);
        var span = SpanFile.Read(document.RootElement, "tr-1");
        Assert.Equal(("00000000000000ff", "000000000000000000000000000000aa", "0000000000000001"), (span.Id, span.OtelTraceId, span.ParentId));
        Assert.Equal(("ERROR", "broke", 1_000L, 2_000L), (span.Status, span.StatusMessage, span.StartedNs, span.EndedNs));
        Assert.Equal("""[{"name":"e","time_unix_nano":5,"attributes":{"a":1}}]""", span.Events);
        Assert.Equal("1", span.Attributes["n"]);
    }

    [Fact]
    public void Any_object_is_read_or_refused_as_an_invalid_parameter()
        => Gen.Int[0, Parts.Length - 1].Array[0, 8].Sample(static picks =>
        {
            using var document = JsonDocument.Parse($"{{{string.Join(',', picks.Select(static pick => Parts[pick]))}}}");
            try
            {
                Assert.Equal(16, SpanFile.Read(document.RootElement, "tr-1").Id.Length);
            }
            catch (MLflowException exception)
            {
                Assert.Equal(MLflowException.InvalidParameterValue, exception.Code);
            }
        });
}
