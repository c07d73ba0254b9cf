using System.Globalization;
using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Traces;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.MLflow.Assessments;

/// <summary>A row of <c>trace_assessments</c>: what a person, a judge or a program says about a trace or one of its spans.</summary>
internal sealed record AssessmentRow
{
    public const string Columns = """
        a.trace_id, a.id, a.name, a.type, a.value::text AS value, a.error::text AS error, a.span_id, a.source_type, a.source_id, a.rationale, a.metadata::text AS metadata,
        a.overrides, a.valid, a.created_at, a.updated_at
        """;

    private const int MaxText = 65_536;
    private const int MaxEntries = 200;

    public required string TraceId { get; init; }

    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary><c>feedback</c>, <c>expectation</c> or <c>issue</c>.</summary>
    public required string Type { get; init; }

    /// <summary>JSON.</summary>
    public string? Value { get; init; }

    /// <summary>JSON; only feedback has one.</summary>
    public string? Error { get; init; }

    public string? SpanId { get; init; }

    /// <summary>In MLflow's spelling.</summary>
    public required string SourceType { get; init; }

    public required string SourceId { get; init; }

    public string? Rationale { get; init; }

    /// <summary>A JSON object of texts.</summary>
    public required string Metadata { get; init; }

    /// <summary>The assessment that this one takes the place of.</summary>
    public string? Overrides { get; init; }

    /// <summary>Whether no other one has taken its place.</summary>
    public bool Valid { get; init; } = true;

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Reads an assessment that a client sent.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static AssessmentRow Read(JsonElement sent, string traceId, DateTimeOffset now)
    {
        var (type, value, error) = Content(sent) ?? throw MLflowException.Invalid("An assessment has a feedback, an expectation or an issue.");
        var source = Find(sent, "source") is { ValueKind: JsonValueKind.Object } given ? given : throw MLflowException.Required("source");
        return new AssessmentRow
        {
            TraceId = traceId,
            Id = Text(sent, "assessment_id") is { Length: > 0 } id ? TraceIds.Checked(id) : $"a-{Guid.CreateVersion7(now):N}",
            Name = NameOf(sent),
            Type = type,
            Value = value,
            Error = error,
            SpanId = Text(sent, "span_id") is { Length: > 0 } span ? Names.Value(span, "span id", "span_id", Names.MaxKey) : null,
            SourceType = Text(source, "source_type") switch
            {
                null or "" or "SOURCE_TYPE_UNSPECIFIED" => "SOURCE_TYPE_UNSPECIFIED",
                "AI_JUDGE" => "LLM_JUDGE",
                "HUMAN" or "LLM_JUDGE" or "CODE" => Text(source, "source_type")!,
                var other => throw MLflowException.Value("source_type", $"'{other}'"),
            },
            SourceId = Names.Value(Text(source, "source_id") ?? "default", "source id", "source_id", Names.MaxTag),
            Rationale = Text(sent, "rationale") is { } rationale ? Names.Value(rationale, "rationale", "rationale", MaxText) : null,
            Metadata = MetadataOf(sent),
            Overrides = Text(sent, "overrides") is { Length: > 0 } overrides ? overrides : null,
            Valid = Find(sent, "valid") is not { ValueKind: JsonValueKind.False },
            CreatedAt = Time(sent, "create_time") ?? now,
            UpdatedAt = Time(sent, "last_update_time") ?? now,
        };
    }

    /// <summary>This assessment, with those fields changed that a mask names.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public AssessmentRow With(JsonElement sent, IEnumerable<string> mask, DateTimeOffset now)
    {
        var result = this with { UpdatedAt = now };
        foreach (var path in mask)
        {
            result = path switch
            {
                "assessment_name" or "assessmentName" => result with { Name = NameOf(sent) },
                "feedback" or "expectation" or "issue" => result.WithContent(sent, path),
                "rationale" => result with { Rationale = Text(sent, "rationale") is { } text ? Names.Value(text, "rationale", "rationale", MaxText) : null },
                "metadata" => result with { Metadata = JsonTags.Write(JsonTags.Read(Metadata).Concat(JsonTags.Read(MetadataOf(sent)))) },
                "valid" => result with { Valid = Find(sent, "valid") is not { ValueKind: JsonValueKind.False } },
                _ => result,
            };
        }

        return result;
    }

    private AssessmentRow WithContent(JsonElement sent, string type)
    {
        if (Type != type)
        {
            throw MLflowException.Invalid($"Cannot update {type} value on {(Type == "feedback" ? "a Feedback" : $"an {char.ToUpperInvariant(Type[0])}{Type[1..]}")} assessment.");
        }

        var (_, value, error) = Content(sent) ?? throw MLflowException.Required(type);
        return this with { Value = value, Error = error };
    }

    private static (string Type, string? Value, string? Error)? Content(JsonElement sent)
    {
        if (Find(sent, "feedback") is { ValueKind: JsonValueKind.Object } feedback)
        {
            var error = Find(feedback, "error") ?? Find(sent, "error");
            return ("feedback", Json(Find(feedback, "value")), error is { ValueKind: JsonValueKind.Object } ? Json(error) : null);
        }

        if (Find(sent, "expectation") is { ValueKind: JsonValueKind.Object } expectation)
        {
            return ("expectation", Find(expectation, "serialized_value") is { ValueKind: JsonValueKind.Object } serialized ? Serialized(serialized) : Json(Find(expectation, "value")), null);
        }

        return Find(sent, "issue") is { } issue ? ("issue", Json(issue), null) : null;
    }

    private static string Serialized(JsonElement value)
    {
        var text = Text(value, "value") ?? throw MLflowException.Required("value");
        using var document = AttributeValues.Parse(text);
        return document is null ? throw MLflowException.Invalid("Invalid serialized expectation value: it is not JSON.") : Json(document.RootElement)!;
    }

    // jsonb takes neither NUL nor half a surrogate pair, and spells numbers out.
    private static string? Json(JsonElement? value)
    {
        if (value is not { } json)
        {
            return null;
        }

        var text = json.GetRawText();
        return text.Length > MaxText ? throw MLflowException.Invalid($"An assessment's value has at most {MaxText} characters.")
            : text.Contains("\\u0000", StringComparison.Ordinal) || !JsonTexts.AreSound(json) || !JsonTexts.HasFiniteNumbers(json) ? throw MLflowException.Value("value", text)
            : text;
    }

    private static string NameOf(JsonElement sent)
        => Text(sent, "assessment_name") is { Length: > 0 } name ? Names.Value(name, "assessment name", "assessment_name", Names.MaxKey) : throw MLflowException.Required("assessment_name");

    private static string MetadataOf(JsonElement sent)
    {
        if (Find(sent, "metadata") is not { ValueKind: JsonValueKind.Object } map)
        {
            return "{}";
        }

        var entries = map.EnumerateObject().Select(entry => KeyValuePair.Create(
            Names.Value(entry.Name.Replace('\0', '\uFFFD'), "metadata key", "metadata", Names.MaxKey),
            Names.Value(entry.Value.ValueKind == JsonValueKind.String ? MLflowCall.AsText(entry.Value, "metadata") : entry.Value.GetRawText(), "metadata value", entry.Name, Names.MaxTag))).ToList();
        return entries.Count <= MaxEntries ? JsonTags.Write(entries) : throw MLflowException.Invalid($"At most {MaxEntries} metadata are accepted. Got {entries.Count}.");
    }

    private static DateTimeOffset? Time(JsonElement sent, string name)
        => Text(sent, name) is not { } text ? null
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
                && time >= DateTimeOffset.UnixEpoch && time.UtcDateTime.Year < 9999 ? time
            : throw MLflowException.Value(name, $"'{text}'");

    private static string? Text(JsonElement sent, string name) => Find(sent, name) is { } value ? MLflowCall.AsText(value, name) : null;

    private static JsonElement? Find(JsonElement json, string name)
        => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
