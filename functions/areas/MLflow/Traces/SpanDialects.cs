using System.Text.Json;

namespace AiPlatform.MLflow.Traces;

/// <summary>
/// What other conventions than MLflow's call the type, the inputs, the outputs and the tokens of a span: OpenTelemetry's for generative
/// AI, OpenInference, OpenLLMetry. They stay as they are, and MLflow's attributes are added where a span has none.
/// </summary>
internal static class SpanDialects
{
    private static readonly string[] Inputs = ["gen_ai.input.messages", "gen_ai.tool.call.arguments", "input.value", "traceloop.entity.input"];
    private static readonly string[] Outputs = ["gen_ai.output.messages", "gen_ai.tool.call.result", "output.value", "traceloop.entity.output"];
    private static readonly string[] InputTokens = ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"];
    private static readonly string[] OutputTokens = ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"];
    private static readonly string[] TotalTokens = ["gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total"];

    /// <summary>Brings attributes to MLflow's form.</summary>
    public static void Translate(Dictionary<string, string> attributes)
    {
        foreach (var (key, dumped) in attributes.ToList())
        {
            attributes[key] = Once(dumped);
        }

        if (!attributes.ContainsKey(SpanKeys.Type) && Type(attributes) is { } type)
        {
            attributes[SpanKeys.Type] = $"\"{type}\"";
        }

        Copy(attributes, SpanKeys.Inputs, Inputs);
        Copy(attributes, SpanKeys.Outputs, Outputs);
        if (!attributes.ContainsKey(SpanKeys.Usage) && First(attributes, InputTokens) is { } input && First(attributes, OutputTokens) is { } output)
        {
            var total = First(attributes, TotalTokens) ?? (input + output);
            attributes[SpanKeys.Usage] = $$"""{"input_tokens": {{input}}, "output_tokens": {{output}}, "total_tokens": {{total}}}""";
        }
    }

    // Exporters that write MLflow's form themselves have it written once more on the way. Only texts and objects are unpacked, as by MLflow:
    // "1" is not the number.
    private static string Once(string dumped)
    {
        if (!dumped.StartsWith("\"\\\"", StringComparison.Ordinal) && !dumped.StartsWith("\"{", StringComparison.Ordinal))
        {
            return dumped;
        }

        var text = AttributeValues.Text(dumped);
        using var inner = AttributeValues.Parse(text);
        return inner is { RootElement.ValueKind: JsonValueKind.String or JsonValueKind.Object } ? text : dumped;
    }

    private static string? Type(Dictionary<string, string> attributes)
    {
        if (Word(attributes, "openinference.span.kind") is { } kind)
        {
            return kind.ToUpperInvariant() is "LLM" or "CHAIN" or "TOOL" or "RETRIEVER" or "EMBEDDING" or "AGENT" or "RERANKER" or "GUARDRAIL" or "EVALUATOR"
                ? kind.ToUpperInvariant()
                : null;
        }

        return (Word(attributes, "gen_ai.operation.name") ?? Word(attributes, "traceloop.span.kind")) switch
        {
            "chat" => "CHAT_MODEL",
            "text_completion" or "generate_content" => "LLM",
            "embeddings" => "EMBEDDING",
            "retrieval" => "RETRIEVER",
            "execute_tool" or "tool" => "TOOL",
            "create_agent" or "invoke_agent" or "agent" => "AGENT",
            "invoke_workflow" or "workflow" => "WORKFLOW",
            "task" => "TASK",
            _ => null,
        };
    }

    private static string? Word(Dictionary<string, string> attributes, string key) => attributes.TryGetValue(key, out var dumped) ? AttributeValues.Text(dumped) : null;

    private static void Copy(Dictionary<string, string> attributes, string target, string[] sources)
    {
        if (!attributes.ContainsKey(target) && Array.Find(sources, attributes.ContainsKey) is { } source)
        {
            // A list that was packed into a text shows as a list.
            var text = AttributeValues.Text(attributes[source]);
            using var inner = text.StartsWith('[') ? AttributeValues.Parse(text) : null;
            attributes[target] = inner is null ? attributes[source] : text;
        }
    }

    private static long? First(Dictionary<string, string> attributes, string[] keys)
    {
        foreach (var key in keys)
        {
            if (attributes.TryGetValue(key, out var dumped) && long.TryParse(AttributeValues.Text(dumped), out var number) && number is >= 0 and <= SpanTotals.MaxTokens)
            {
                return number;
            }
        }

        return null;
    }
}
