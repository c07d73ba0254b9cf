using AiPlatform.MLflow.Traces;
using CsCheck;

namespace AiPlatform.Tests.Functions.MLflow.Traces;

public sealed class SpanDialectTests
{
    private static readonly string[] Keys = ["input.value", "mlflow.spanInputs", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.operation.name", "x"];

    [Theory]
    [InlineData("openinference.span.kind", "\"LLM\"", "LLM")]
    [InlineData("openinference.span.kind", "\"moon\"", null)]
    [InlineData("gen_ai.operation.name", "\"chat\"", "CHAT_MODEL")]
    [InlineData("gen_ai.operation.name", "\"execute_tool\"", "TOOL")]
    [InlineData("traceloop.span.kind", "\"workflow\"", "WORKFLOW")]
    public void Types_of_other_conventions_become_MLflows(string key, string value, string? expected)
    {
        var attributes = new Dictionary<string, string> { [key] = value };
        SpanDialects.Translate(attributes);
        Assert.Equal(expected is null ? null : $"\"{expected}\"", attributes.GetValueOrDefault("mlflow.spanType"));
    }

    [Fact]
    public void Inputs_outputs_and_tokens_of_other_conventions_become_MLflows_and_stay_what_they_are()
    {
        var attributes = new Dictionary<string, string>
        {
            ["input.value"] = "\"{\\\"q\\\": 1}\"", ["gen_ai.output.messages"] = "\"[1]\"", ["llm.token_count.prompt"] = "3", ["llm.token_count.completion"] = "\"4\"", ["llm.token_count.total"] = "8",
        };
        SpanDialects.Translate(attributes);
        Assert.Equal(("{\"q\": 1}", "[1]"), (attributes["mlflow.spanInputs"], attributes["mlflow.spanOutputs"]));
        Assert.Equal("""{"input_tokens": 3, "output_tokens": 4, "total_tokens": 8}""", attributes["mlflow.chat.tokenUsage"]);
        Assert.Equal(new SpanTotals(3, 4, 8, null, null, null), SpanTotals.Of(attributes));
        Assert.Equal("3", attributes["llm.token_count.prompt"]);
    }

    [Theory]
    [InlineData("\"\\\"LLM\\\"\"", "\"LLM\"")]
    [InlineData("\"{\\\"a\\\": 1}\"", "{\"a\": 1}")]
    [InlineData("\"1\"", "\"1\"")]
    [InlineData("\"[1]\"", "\"[1]\"")]
    [InlineData("\"plain\"", "\"plain\"")]
    [InlineData("\"{broken\"", "\"{broken\"")]
    public void What_was_packed_twice_is_unpacked_once(string dumped, string expected)
    {
        var attributes = new Dictionary<string, string> { ["mlflow.spanOutputs"] = dumped };
        SpanDialects.Translate(attributes);
        Assert.Equal(expected, attributes["mlflow.spanOutputs"]);
    }

    [Theory]
    [InlineData("""{"mlflow.chat.tokenUsage":"[1]"}""")]
    [InlineData("""{"mlflow.chat.tokenUsage":"{\"input_tokens\": -1, \"output_tokens\": 1e30, \"total_tokens\": \"x\"}"}""")]
    [InlineData("""{"mlflow.chat.tokenUsage":"no json"}""")]
    public void Tokens_that_are_none_are_not_counted(string attributes)
        => Assert.Equal(new SpanTotals(null, null, null, null, null, null), SpanTotals.Of(System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string>>(attributes)!));

    [Fact]
    public void Any_attributes_are_translated()
        => Gen.Dictionary(Gen.Int[0, Keys.Length - 1].Select(static i => Keys[i]), Gen.String)[0, 6].Sample(static attributes =>
        {
            SpanDialects.Translate(attributes);
            SpanTotals.Of(attributes);
            foreach (var value in attributes.Values)
            {
                Assert.True(Previews.Of(value, "user").Length <= Previews.Made);
            }
        });
}
