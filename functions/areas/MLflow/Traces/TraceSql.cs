using System.Text;
using AiPlatform.Tracking.Search;
using Dapper;

namespace AiPlatform.MLflow.Traces;

/// <summary>Makes SQL of filters and orders of traces (<c>t</c>). Values and keys become parameters; only operators and known names become text.</summary>
internal sealed class TraceSql
{
    private int _count;

    public DynamicParameters Parameters { get; } = new();

    /// <summary>The condition of a filter; true for an empty one.</summary>
    public string Filter(string? filter)
    {
        var result = new StringBuilder("true");
        foreach (var clause in TraceFilter.Parse(filter))
        {
            result.Append(" AND ").Append(Condition(clause));
        }

        return result.ToString();
    }

    /// <summary>The columns of an order, then the youngest traces first; what is missing comes last.</summary>
    public string Order(IEnumerable<string> entries)
    {
        var result = new StringBuilder();
        foreach (var entry in entries)
        {
            var (entity, key, ascending) = TraceFilter.Order(entry);
            var expression = entity switch
            {
                TraceEntity.Tag => $"(t.tags ->> {Add(key)}) COLLATE \"C\"",
                TraceEntity.Metadata or TraceEntity.Run => $"{Metadata(key)} COLLATE \"C\"",
                _ => Column(key),
            };
            result.Append($"{expression} {(ascending ? "ASC" : "DESC")} NULLS LAST, ");
        }

        return result.Append("t.started_ms DESC, t.id").ToString();
    }

    private string Condition(TraceClause clause) => clause.Entity switch
    {
        TraceEntity.Attribute when TraceFilter.IsNumber(clause.Key) => $"{Column(clause.Key)} {TextComparison.Sign(clause.Operator)} {Add(clause.Number)}",
        TraceEntity.Attribute => Compare(Column(clause.Key), clause),
        TraceEntity.Tag => Compare($"(t.tags ->> {Add(clause.Key)})", clause),
        TraceEntity.Metadata => Compare(Metadata(clause.Key), clause),
        TraceEntity.Run => Run(clause),
        TraceEntity.Prompt => Exists("trace_prompts", Compare("(x.name || '/' || x.version)", clause)),
        TraceEntity.Span when clause.Key == "content"
            => Exists("trace_spans", $"({Compare("x.name", clause)} OR {Compare("x.attributes::text", clause)} OR {Compare("x.events", clause)})"),
        TraceEntity.Span => Exists("trace_spans", Compare($"x.{clause.Key}", clause)),
        TraceEntity.SpanAttribute => Exists("trace_spans", Compare(SpanAttribute(clause.Key), clause)),
        TraceEntity.Feedback or TraceEntity.Expectation => Assessment(clause),
        _ => throw new ArgumentOutOfRangeException(nameof(clause), clause.Entity, "Unknown entity."),
    };

    // A trace belongs to the run that made it, and to those that it was linked to.
    private string Run(TraceClause clause)
    {
        var source = Compare(Metadata(clause.Key), clause);
        return clause.Operator is "!=" or "NOT IN" ? source : $"({source} OR {Exists("trace_runs", Compare("x.run_id", clause))})";
    }

    private string Assessment(TraceClause clause)
    {
        var named = $"x.type = '{(clause.Entity == TraceEntity.Feedback ? "feedback" : "expectation")}' AND x.name = {Add(clause.Key)}";
        return clause.Operator switch
        {
            "IS NULL" => $"NOT {Exists("trace_assessments", named)}",
            "IS NOT NULL" => Exists("trace_assessments", named),
            _ => Exists("trace_assessments", $"{named} AND {Compare("(x.value #>> '{}')", clause)}"),
        };
    }

    // The value is JSON; a text stands there in quotes.
    private string SpanAttribute(string key)
    {
        var value = $"(x.attributes ->> {Add(key)})";
        return $"(CASE WHEN {value} LIKE '\"%\"' THEN substr({value}, 2, length({value}) - 2) ELSE {value} END)";
    }

    private string Metadata(string key)
    {
        var name = Add(key);
        return $"coalesce(t.metadata ->> {name}, t.derived ->> {name})";
    }

    private static string Exists(string table, string condition)
        => $"EXISTS (SELECT 1 FROM {table} x WHERE x.project_id = t.project_id AND x.trace_id = t.id AND {condition})";

    private static string Column(string key) => key == "end_time" ? "(t.started_ms + coalesce(t.duration_ms, 0))" : $"t.{key}";

    private string Compare(string expression, TraceClause clause) => clause.Operator switch
    {
        "IS NULL" => $"{expression} IS NULL",
        "IS NOT NULL" => $"{expression} IS NOT NULL",
        "RLIKE" => $"{expression} ~ {Add(clause.Texts[0])}",
        _ => TextComparison.Sql(expression, clause.Operator, clause.Texts, Add),
    };

    private string Add(object value)
    {
        var name = $"v{_count++}";
        Parameters.Add(name, value);
        return "@" + name;
    }
}
