using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Search;
using CsCheck;

namespace AiPlatform.Tests.Functions.Tracking.Search;

public sealed class FilterParserTests
{
    private static readonly string[] Words = ["metrics.a", "params.", "=", "'", "`", "AND", "(", ")", "1", "IN", "LIKE", "'x'", "run_id", " ", "NOT", "IS", "NULL", "<>", ","];

    [Theory]
    [InlineData("metrics.loss < 0.5", "Metric", "loss", "<")]
    [InlineData("metric.`a b.c` >= -1e-3", "Metric", "a b.c", ">=")]
    [InlineData("params.\"x=y\" LIKE 'a%'", "Param", "x=y", "LIKE")]
    [InlineData("parameter.a.b != \"v\"", "Param", "a.b", "!=")]
    [InlineData("tags.mlflow.source.name ilike 'v'", "Tag", "mlflow.source.name", "ILIKE")]
    [InlineData("run_id not in ('a','b')", "Attribute", "run_id", "NOT IN")]
    [InlineData("attributes.created > 5", "Attribute", "start_time", ">")]
    [InlineData("dataset.context IN ('a')", "Dataset", "context", "IN")]
    [InlineData("metrics.` loss ` > 1", "Metric", " loss ", ">")]
    [InlineData("params.\" a\" = 'x'", "Param", " a", "=")]
    [InlineData("tags.`\"quoted\"` = 'x'", "Tag", "\"quoted\"", "=")]
    [InlineData("\"metrics.` loss `\" > 1", "Metric", " loss ", ">")]
    [InlineData("tags.a is not null", "Tag", "a", "IS NOT NULL")]
    public void A_clause_is_read(string filter, string kind, string key, string comparison)
    {
        var clause = Assert.Single(FilterParser.Parse(filter, SearchDialect.Runs));
        Assert.Equal((kind, key, comparison), ($"{clause.Kind}", clause.Key, clause.Operator));
    }

    [Fact]
    public void Runs_are_ordered_by_a_key_with_blanks_around_it()
    {
        var order = Assert.Single(FilterParser.Order(["metrics.` loss ` DESC"], SearchDialect.Runs));
        Assert.Equal((EntityKind.Metric, " loss ", false), (order.Kind, order.Key, order.Ascending));
    }

    [Fact]
    public void Any_key_and_value_that_can_be_quoted_come_back_as_they_were()
        => Gen.Select(Gen.String[1, 20], Gen.String[0, 20]).Where((key, value) => !key.Contains('`', StringComparison.Ordinal) && !value.Contains('\'', StringComparison.Ordinal))
            .Sample((key, value) =>
            {
                var clauses = FilterParser.Parse($"params.`{key}` = '{value}' AND metrics.x > 1", SearchDialect.Runs);
                Assert.Equal((key, value), (clauses[0].Key, clauses[0].Text));
                Assert.Equal(2, clauses.Count);
            });

    [Fact]
    public void Any_text_is_read_or_refused_as_an_invalid_parameter()
        => Gen.OneOf(Gen.String[0, 40], Gen.Int[0, Words.Length - 1].Select(i => Words[i]).Array[0, 12].Select(words => string.Join(' ', words)))
            .Sample(text =>
            {
                try
                {
                    FilterParser.Parse(text, SearchDialect.Runs);
                    FilterParser.Order([text], SearchDialect.Runs);
                }
                catch (MLflowException exception)
                {
                    Assert.Equal(MLflowException.InvalidParameterValue, exception.Code);
                }
            });
}
