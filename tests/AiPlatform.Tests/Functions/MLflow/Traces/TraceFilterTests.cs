using AiPlatform.MLflow.Traces;
using AiPlatform.Ports.MLflow;
using CsCheck;

namespace AiPlatform.Tests.Functions.MLflow.Traces;

public sealed class TraceFilterTests
{
    private static readonly string[] Words =
    [
        "tags.a", "metadata.", "span.name", "span.attributes.", "feedback.x", "trace.text", "timestamp", "run_id", "=", "'", "`", "AND", "(", ")", "1", "IN", "LIKE", "RLIKE", "'x'",
        "NOT", "IS", "NULL", "<>", ",", "prompt",
    ];

    [Theory]
    [InlineData("status = 'OK'", "Attribute", "state", "=")]
    [InlineData("trace.status != 'OK'", "Attribute", "state", "!=")]
    [InlineData("attributes.request_id IN ('a', 'b')", "Attribute", "id", "IN")]
    [InlineData("timestamp_ms >= 5", "Attribute", "started_ms", ">=")]
    [InlineData("execution_time < 1.5", "Attribute", "duration_ms", "<")]
    [InlineData("name ilike 'a%'", "Tag", "mlflow.traceName", "ILIKE")]
    [InlineData("run_id = 'r'", "Run", "mlflow.sourceRun", "=")]
    [InlineData("tags.`a b.c` rlike '^x'", "Tag", "a b.c", "RLIKE")]
    [InlineData("request_metadata.mlflow.trace.session = 's'", "Metadata", "mlflow.trace.session", "=")]
    [InlineData("metadata.x is not null", "Metadata", "x", "IS NOT NULL")]
    [InlineData("span.type not in ('LLM')", "Span", "type", "NOT IN")]
    [InlineData("trace.text LIKE '%x%'", "Span", "content", "LIKE")]
    [InlineData("span.attributes.model.name = 'm'", "SpanAttribute", "model.name", "=")]
    [InlineData("feedback.correctness = 'yes'", "Feedback", "correctness", "=")]
    [InlineData("expectation.answer = '42'", "Expectation", "answer", "=")]
    [InlineData("prompt = 'a/1'", "Prompt", "prompt", "=")]
    public void A_clause_is_read(string filter, string entity, string key, string comparison)
    {
        var clause = Assert.Single(TraceFilter.Parse(filter));
        Assert.Equal((entity, key, comparison), ($"{clause.Entity}", clause.Key, clause.Operator));
    }

    [Theory]
    [InlineData("timestamp ASC", "Attribute", "started_ms", true)]
    [InlineData("execution_time DESC", "Attribute", "duration_ms", false)]
    [InlineData("tags.a", "Tag", "a", true)]
    [InlineData("run_id desc", "Run", "mlflow.sourceRun", false)]
    public void An_order_is_read(string entry, string entity, string key, bool ascending)
    {
        var order = TraceFilter.Order(entry);
        Assert.Equal((entity, key, ascending), ($"{order.Entity}", order.Key, order.Ascending));
    }

    [Fact]
    public void Any_text_is_read_or_refused_as_an_invalid_parameter()
        => Gen.OneOf(Gen.String[0, 40], Gen.Int[0, Words.Length - 1].Select(static i => Words[i]).Array[0, 12].Select(static words => string.Join(' ', words)))
            .Sample(static text =>
            {
                var sql = new TraceSql();
                foreach (var read in (Func<string>[])[() => sql.Filter(text), () => sql.Order([text])])
                {
                    try
                    {
                        Assert.DoesNotContain("'x'", read(), StringComparison.Ordinal);
                    }
                    catch (MLflowException exception)
                    {
                        Assert.Equal(MLflowException.InvalidParameterValue, exception.Code);
                    }
                }
            });
}
