using System.Globalization;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Search;

namespace AiPlatform.MLflow.Traces;

/// <summary>What an identifier in a filter or an order of traces names.</summary>
internal enum TraceEntity
{
    /// <summary>A column.</summary>
    Attribute,
    Tag,
    Metadata,

    /// <summary><c>name</c>, <c>type</c>, <c>status</c> or <c>content</c> of any of the trace's spans.</summary>
    Span,

    /// <summary>An attribute of any of the trace's spans.</summary>
    SpanAttribute,
    Feedback,
    Expectation,

    /// <summary>A run that the trace came from or is linked to.</summary>
    Run,

    /// <summary>A version of a prompt, <c>name/version</c>.</summary>
    Prompt,
}

/// <summary>One clause of a filter of traces.</summary>
/// <param name="Operator">Upper case.</param>
/// <param name="Number">The value of a numeric attribute.</param>
/// <param name="Texts">The value, or the list of <c>IN</c>; empty for numbers and for <c>IS NULL</c>.</param>
internal sealed record TraceClause(TraceEntity Entity, string Key, string Operator, double Number, IReadOnlyList<string> Texts);

/// <summary>
/// MLflow's filter language for traces: <c>identifier operator value (AND …)*</c> over attributes, tags, metadata, spans and assessments.
/// </summary>
internal sealed class TraceFilter : FilterReader
{
    private const int MaxPattern = 250;
    private static readonly string[] TextOperators = ["=", "!=", "LIKE", "ILIKE", "RLIKE"];

    private static readonly Dictionary<string, string> Attributes = new(StringComparer.Ordinal)
    {
        ["request_id"] = "id",
        ["trace_id"] = "id",
        ["timestamp"] = "started_ms",
        ["timestamp_ms"] = "started_ms",
        ["request_time"] = "started_ms",
        ["execution_time"] = "duration_ms",
        ["execution_time_ms"] = "duration_ms",
        ["execution_duration"] = "duration_ms",
        ["end_time"] = "end_time",
        ["end_time_ms"] = "end_time",
        ["status"] = "state",
        ["state"] = "state",
        ["client_request_id"] = "client_request_id",
        ["experiment_id"] = "experiment_id",
    };

    private TraceFilter(string filter)
        : base(filter)
    {
    }

    /// <summary>The clauses of a filter, all of which must hold; none for an empty filter.</summary>
    /// <exception cref="MLflowException">The filter is not one of this language.</exception>
    public static IReadOnlyList<TraceClause> Parse(string? filter) => string.IsNullOrWhiteSpace(filter) ? [] : new TraceFilter(filter).All();

    /// <summary>What an entry of an order names, and its direction.</summary>
    /// <exception cref="MLflowException">It is not an identifier with an optional direction.</exception>
    public static (TraceEntity Entity, string Key, bool Ascending) Order(string entry)
    {
        var (text, ascending) = Direction(entry);
        var (entity, key) = Identifier(OrderedBy(FilterTokens.Read(text), entry).Text, $"Invalid order_by clause '{entry}'.");
        return entity is TraceEntity.Attribute or TraceEntity.Tag or TraceEntity.Metadata or TraceEntity.Run
            ? (entity, key, ascending)
            : throw MLflowException.Invalid($"Invalid order_by entity in '{entry}'.");
    }

    /// <summary>Whether an attribute is a number.</summary>
    public static bool IsNumber(string key) => key is "started_ms" or "duration_ms" or "end_time";

    private List<TraceClause> All() => Clauses(Clause);

    private TraceClause Clause()
    {
        var name = Identifier();
        var (entity, key) = Identifier(name.Text, $"Invalid filter string '{Filter}'.");
        if (key == "experiment_id" && entity == TraceEntity.Attribute)
        {
            throw Wrong("experiments are named beside the filter");
        }

        var comparison = Operator("LIKE", "ILIKE", "RLIKE");
        if (comparison is "IS NULL" or "IS NOT NULL")
        {
            return entity is TraceEntity.Tag or TraceEntity.Metadata or TraceEntity.Feedback or TraceEntity.Expectation
                ? new TraceClause(entity, key, comparison, 0, [])
                : throw NotAllowed(comparison, name.Text);
        }

        if (entity == TraceEntity.Attribute && IsNumber(key))
        {
            return ComparesNumbers(comparison) ? new TraceClause(entity, key, comparison, Number(name.Text), []) : throw NotAllowed(comparison, name.Text);
        }

        if (comparison is "IN" or "NOT IN")
        {
            return entity is TraceEntity.Tag or TraceEntity.Metadata || key == "content"
                ? throw NotAllowed(comparison, name.Text)
                : new TraceClause(entity, key, comparison, 0, List(() => Text("IN")));
        }

        var allowed = key == "content" && entity == TraceEntity.Span ? comparison is "LIKE" or "ILIKE" : TextOperators.Contains(comparison);
        return allowed ? new TraceClause(entity, key, comparison, 0, [Text(comparison)]) : throw NotAllowed(comparison, name.Text);
    }

    private static (TraceEntity Entity, string Key) Identifier(string text, string context)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var prefix = dot < 0 ? "attribute" : text[..dot].Trim();
        var key = (dot < 0 ? text : text[(dot + 1)..]).Trim().Trim('`', '"');
        if (key.Length == 0)
        {
            throw MLflowException.Invalid($"{context} A key is missing after '{prefix}.'.");
        }

        return prefix switch
        {
            "tag" or "tags" => (TraceEntity.Tag, key),
            "metadata" or "request_metadata" => (TraceEntity.Metadata, key),
            "feedback" => (TraceEntity.Feedback, key),
            "expectation" => (TraceEntity.Expectation, key),
            "span" => Span(key, context),
            "attribute" or "attributes" or "attr" or "trace" => Attribute(key, context),
            _ => throw MLflowException.Invalid(
                $"{context} Invalid entity type '{prefix}'. Valid values are attribute, trace, tag, request_metadata, metadata, span, feedback, expectation."),
        };
    }

    private static (TraceEntity Entity, string Key) Attribute(string key, string context) => key.ToLowerInvariant() switch
    {
        "name" => (TraceEntity.Tag, SpanKeys.TraceName),
        "run_id" => (TraceEntity.Run, SpanKeys.SourceRun),
        "prompt" => (TraceEntity.Prompt, "prompt"),
        "text" => (TraceEntity.Span, "content"),
        _ => Attributes.TryGetValue(key, out var column)
            ? (TraceEntity.Attribute, column)
            : throw MLflowException.Invalid(
                $"{context} Invalid attribute key '{key}' specified. Valid keys are '{string.Join("', '", Attributes.Keys.Concat(["name", "run_id", "text", "prompt"]).Order(StringComparer.Ordinal))}'."),
    };

    private static (TraceEntity Entity, string Key) Span(string key, string context)
    {
        const string prefix = "attributes.";
        return key is "name" or "type" or "status" or "content"
            ? (TraceEntity.Span, key)
            : key.StartsWith(prefix, StringComparison.Ordinal) && key[prefix.Length..].Trim('`', '"') is { Length: > 0 } attribute
                ? (TraceEntity.SpanAttribute, attribute)
                : throw MLflowException.Invalid($"{context} Invalid span attribute '{key}'. Supported attributes: name, status, type, content, attributes.<attribute_name>.");
    }

    private double Number(string name)
    {
        var word = Take("a number");
        return word.Kind == TokenKind.Word && double.TryParse(word.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number
            : throw MLflowException.Invalid($"Expected numeric value type for numeric attribute: {name}. Found '{word.Text}'");
    }

    private string Text(string comparison)
    {
        var word = Take("a value");
        return word.Kind != TokenKind.Quoted || word.Text.Contains('\0', StringComparison.Ordinal)
            ? throw Wrong($"expected a quoted string value (e.g. 'my-value'), found '{word.Text}'")
            : comparison == "RLIKE" && word.Text.Length > MaxPattern ? throw Wrong($"a pattern has at most {MaxPattern} characters")
            : word.Text;
    }

    private MLflowException NotAllowed(string comparison, string name)
        => MLflowException.Invalid($"Invalid comparator '{comparison}' for '{name}' in filter string '{Filter}'.");
}
