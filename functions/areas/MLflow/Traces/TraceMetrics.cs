using System.Globalization;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Search;
using Dapper;

namespace AiPlatform.MLflow.Traces;

/// <summary>A question for numbers over traces, their spans or their assessments, and its statement.</summary>
internal sealed class TraceMetrics
{
    private const int MaxFilters = 100;
    private static readonly string[] Statistics = ["AVG", "PERCENTILE"];
    private static readonly string[] Sums = ["SUM", "AVG", "PERCENTILE"];

    // What can be asked, by view and metric: the expression, the aggregations and the dimensions.
    private static readonly Dictionary<(string View, string Metric), Metric> Metrics = new()
    {
        [("TRACES", "trace_count")] = new("t.id", ["COUNT"], ["trace_name", "trace_status"]),
        [("TRACES", "latency")] = new("t.duration_ms", Statistics, ["trace_name"]),
        [("TRACES", "input_tokens")] = new(Tokens("input_tokens"), Sums, ["trace_name"]),
        [("TRACES", "output_tokens")] = new(Tokens("output_tokens"), Sums, ["trace_name"]),
        [("TRACES", "total_tokens")] = new(Tokens("total_tokens"), Sums, ["trace_name"]),
        [("SPANS", "span_count")] = new("s.id", ["COUNT"], ["span_name", "span_type", "span_status"]),
        [("SPANS", "latency")] = new("((s.ended_ns - s.started_ns) / 1000000)", Statistics, ["span_name", "span_status"]),
        [("ASSESSMENTS", "assessment_count")] = new("a.id", ["COUNT"], ["assessment_name", "assessment_value"]),
        [("ASSESSMENTS", "assessment_value")] = new(
            """
            (CASE WHEN a.value IN ('true'::jsonb, '"yes"'::jsonb) THEN 1.0 WHEN a.value IN ('false'::jsonb, '"no"'::jsonb) THEN 0.0
             WHEN jsonb_typeof(a.value) = 'number' THEN (a.value #>> '{}')::numeric END)
            """,
            Statistics,
            ["assessment_name"]),
    };

    private readonly List<string> _groups = [];
    private readonly List<(string Label, string Expression)> _values = [];
    private readonly List<string> _where = [];

    private TraceMetrics(string view, string name) => (View, Name) = (view, name);

    /// <summary><c>TRACES</c>, <c>SPANS</c> or <c>ASSESSMENTS</c>.</summary>
    public string View { get; }

    public string Name { get; }

    /// <summary>What the points are told apart by; the time first.</summary>
    public List<string> Dimensions { get; } = [];

    /// <summary>The names of the values of a point.</summary>
    public IEnumerable<string> Labels => _values.Select(static value => value.Label);

    public DynamicParameters Parameters { get; } = new();

    /// <summary>The statement: a text for each dimension, then a number for each value.</summary>
    public string Sql
    {
        get
        {
            var from = View switch
            {
                "SPANS" => "traces t JOIN trace_spans s ON s.project_id = t.project_id AND s.trace_id = t.id",
                "ASSESSMENTS" => "traces t JOIN trace_assessments a ON a.project_id = t.project_id AND a.trace_id = t.id",
                _ => "traces t",
            };
            var columns = string.Join(", ", _groups.Concat(_values.Select(static value => $"({value.Expression})::double precision")));
            var order = string.Join(", ", Enumerable.Range(1, _groups.Count));
            var grouped = _groups.Count == 0 ? string.Empty : $"GROUP BY {order} ORDER BY {order} ";
            return $"SELECT {columns} FROM {from} WHERE {TraceScope.Sql} AND t.experiment_id = ANY(@experiments){string.Concat(_where)} {grouped}LIMIT @limit OFFSET @offset";
        }
    }

    /// <summary>Reads the body of <c>POST traces/metrics</c>.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static TraceMetrics Read(MLflowCall call)
    {
        var view = call.RequiredText("view_type").ToUpperInvariant();
        var result = new TraceMetrics(view, call.RequiredText("metric_name"));
        if (!Metrics.TryGetValue((view, result.Name), out var metric))
        {
            var known = Metrics.Keys.Where(key => key.View == view).Select(static key => key.Metric).ToList();
            throw MLflowException.Invalid(known.Count == 0
                ? $"view_type must be one of ['TRACES', 'SPANS', 'ASSESSMENTS'], got '{view}'"
                : $"metric_name must be one of ['{string.Join("', '", known)}'], got '{result.Name}'");
        }

        result.AddTimes(call);
        foreach (var dimension in call.Texts("dimensions"))
        {
            result.AddDimension(dimension, metric);
        }

        foreach (var aggregation in call.Objects("aggregations"))
        {
            result.AddValue(new MLflowCall(call.Context, aggregation, call.ProjectId), metric);
        }

        if (result._values.Count == 0)
        {
            throw MLflowException.Required("aggregations");
        }

        foreach (var filter in call.Texts("filters").Take(MaxFilters))
        {
            result.AddFilter(filter);
        }

        return result;
    }

    private void AddTimes(MLflowCall call)
    {
        var time = View switch
        {
            "SPANS" => "(s.started_ns / 1000000)",
            "ASSESSMENTS" => "floor(extract(epoch FROM greatest(least(a.created_at, '9999-12-31Z'), '0001-01-01Z')) * 1000)::bigint",
            _ => "t.started_ms",
        };
        if (call.Number("time_interval_seconds") is { } seconds)
        {
            if (seconds is < 1 or > 1_000_000_000)
            {
                throw MLflowException.Value("time_interval_seconds", $"{seconds}");
            }

            Parameters.Add("interval", seconds * 1_000);
            Group("time_bucket", $"to_char(to_timestamp(({time} - mod({time}, @interval)) / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS+00:00')");
        }

        // When traces began, whatever is asked about them.
        foreach (var (name, comparison) in ((string, string)[])[("start_time_ms", ">="), ("end_time_ms", "<=")])
        {
            if (call.Number(name) is { } limit)
            {
                Parameters.Add(name, limit);
                _where.Add($" AND t.started_ms {comparison} @{name}");
            }
        }
    }

    private void AddDimension(string dimension, Metric metric)
    {
        if (!metric.Dimensions.Contains(dimension))
        {
            throw MLflowException.Invalid($"Found invalid dimension(s): ['{dimension}']. Supported dimensions: ['{string.Join("', '", metric.Dimensions)}']");
        }

        if (dimension == "trace_name")
        {
            _where.Add($" AND jsonb_exists(t.tags, '{SpanKeys.TraceName}')");
        }

        Group(dimension, dimension switch
        {
            "trace_name" => $"t.tags ->> '{SpanKeys.TraceName}'",
            "trace_status" => "t.state",
            "span_name" => "s.name",
            "span_type" => "s.type",
            "span_status" => "s.status",
            "assessment_name" => "a.name",
            _ => "a.value::text",
        });
    }

    private void AddValue(MLflowCall aggregation, Metric metric)
    {
        var type = aggregation.RequiredText("aggregation_type").ToUpperInvariant();
        if (!metric.Aggregations.Contains(type))
        {
            throw MLflowException.Invalid($"Found invalid aggregation_type(s): ['{type}']. Supported aggregation types: ['{string.Join("', '", metric.Aggregations)}']");
        }

        if (type != "PERCENTILE")
        {
            Value(type, $"{type.ToLowerInvariant()}({metric.Expression})");
            return;
        }

        var percentile = aggregation.Body.TryGetProperty("percentile_value", out var value)
            && value.ValueKind == System.Text.Json.JsonValueKind.Number && value.TryGetDouble(out var number) && number is >= 0 and <= 100 ? number : throw MLflowException.Invalid("percentile_value must be a number from 0 to 100 for PERCENTILE aggregations.");
        var name = $"percentile{_values.Count}";
        Parameters.Add(name, percentile / 100);
        Value(
            percentile == Math.Floor(percentile) ? $"P{(int)percentile}.0" : string.Create(CultureInfo.InvariantCulture, $"P{percentile:R}"),
            $"percentile_cont(@{name}) WITHIN GROUP (ORDER BY ({metric.Expression})::double precision)");
    }

    // trace.status = 'OK', trace.tag.x = 'y', trace.metadata.x = 'y', span.name|type|status = 'x', assessment.name|type = 'x'.
    private void AddFilter(string filter)
    {
        if (FilterTokens.Read(filter) is not [{ Kind: TokenKind.Word } word, { Kind: TokenKind.Operator, Text: "=" }, { Kind: TokenKind.Quoted } value]
            || value.Text.Contains('\0', StringComparison.Ordinal))
        {
            throw MLflowException.Invalid($"Invalid filter string: '{filter}'. Only `identifier = 'value'` is supported.");
        }

        var column = word.Text.Split('.', 3) switch
        {
            ["trace", "status"] => "t.state",
            ["trace", "tag" or "tags", var key] => $"(t.tags ->> @{Key(key)})",
            ["trace", "metadata", var key] when Key(key) is var name => $"coalesce(t.metadata ->> @{name}, t.derived ->> @{name})",
            ["span", var field] when View == "SPANS" && field is "name" or "type" or "status" => $"s.{field}",
            ["assessment", var field] when View == "ASSESSMENTS" && field is "name" or "type" => $"a.{field}",
            _ => throw MLflowException.Invalid($"Invalid filter string: '{filter}' for view_type {View}."),
        };
        _where.Add($" AND {column} = @{Key(value.Text)}");
    }

    private string Key(string value)
    {
        var name = $"f{Parameters.ParameterNames.Count()}";
        Parameters.Add(name, value);
        return name;
    }

    private void Group(string dimension, string expression)
    {
        if (!Dimensions.Contains(dimension))
        {
            Dimensions.Add(dimension);
            _groups.Add(expression);
        }
    }

    private void Value(string label, string expression)
    {
        if (_values.TrueForAll(value => value.Label != label))
        {
            _values.Add((label, expression));
        }
    }

    // Clients may have written anything into the metadata.
    private static string Tokens(string name)
        => $"(substring(coalesce(t.metadata ->> '{SpanKeys.TraceUsage}', t.derived ->> '{SpanKeys.TraceUsage}') from '\"{name}\":\\s*(\\d{{1,15}})')::bigint)";

    private sealed record Metric(string Expression, string[] Aggregations, string[] Dimensions);
}
