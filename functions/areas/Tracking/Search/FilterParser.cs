using System.Globalization;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.Tracking.Search;

/// <summary>
/// MLflow's filter grammar: <c>identifier operator value (AND identifier operator value)*</c>. There is no OR and no
/// parenthesis except around the list of IN. Text values are quoted, numbers are not.
/// </summary>
internal sealed class FilterParser : FilterReader
{
    private static readonly string[] TextOperators = ["=", "!=", "LIKE", "ILIKE"];

    private readonly SearchDialect _dialect;

    private FilterParser(string filter, SearchDialect dialect)
        : base(filter) => _dialect = dialect;

    /// <summary>The clauses of a filter, all of which must hold; none for an empty filter.</summary>
    /// <exception cref="MLflowException">The filter is not one of this grammar.</exception>
    public static IReadOnlyList<Comparison> Parse(string? filter, SearchDialect dialect)
        => string.IsNullOrWhiteSpace(filter) ? [] : new FilterParser(filter, dialect).All();

    /// <summary>The columns of an order.</summary>
    /// <exception cref="MLflowException">An entry is no identifier with an optional direction.</exception>
    public static IReadOnlyList<Ordering> Order(IEnumerable<string> entries, SearchDialect dialect)
        => [.. entries.Select(entry =>
        {
            var (text, ascending) = Direction(entry);
            if (text.Trim().Length == 0)
            {
                throw MLflowException.Invalid($"Invalid order_by clause '{entry}'. Could not be parsed.");
            }

            // Unlike in filters, an attribute of several words needs no quotes here.
            var words = dialect.Attributes.ContainsKey(text.Trim()) ? text.Trim() : null;
            var tokens = words is null ? FilterTokens.Read(text) : [new FilterToken(TokenKind.Word, words)];
            var (kind, key) = Identifier(OrderedBy(tokens, entry), dialect, $"Invalid order_by clause '{entry}'.");
            return kind == EntityKind.Dataset
                ? throw MLflowException.Invalid($"Invalid order_by entity 'dataset' in '{entry}'.")
                : new Ordering(kind, key, ascending);
        })];

    private List<Comparison> All() => Clauses(Clause);

    private Comparison Clause()
    {
        var (kind, key) = Identifier(Identifier(), _dialect, $"Invalid filter string '{Filter}'.");
        var comparison = Operator("LIKE", "ILIKE");
        var numeric = kind == EntityKind.Metric || (kind == EntityKind.Attribute && _dialect.Numeric.Contains(key));
        if (comparison is "IS NULL" or "IS NOT NULL")
        {
            return kind is EntityKind.Tag or EntityKind.Param ? new Comparison(kind, key, comparison, 0, []) : throw NotAllowed(comparison, kind);
        }

        if (numeric)
        {
            return ComparesNumbers(comparison) ? new Comparison(kind, key, comparison, NumberValue(kind, key), []) : throw NotAllowed(comparison, kind);
        }

        if (comparison is "IN" or "NOT IN")
        {
            return kind == EntityKind.Dataset || (kind == EntityKind.Attribute && _dialect.Lists.Contains(key))
                ? new Comparison(kind, key, comparison, 0, List(ListValue))
                : throw Wrong("Only the 'run_id' attribute supports comparison with a list of quoted string values.");
        }

        return TextOperators.Contains(comparison) ? new Comparison(kind, key, comparison, 0, [TextValue(kind)]) : throw NotAllowed(comparison, kind);
    }

    // A word came without its quotes: blanks and quotes that are left belong to the key. A text that was quoted whole may quote its key again.
    private static string KeyOf(string text, bool isTrimmed)
    {
        if (!isTrimmed)
        {
            return text;
        }

        var trimmed = text.Trim();
        return trimmed is ['`', .., '`'] or ['"', .., '"'] ? trimmed[1..^1] : trimmed.Trim('`', '"');
    }

    private static (EntityKind Kind, string Key) Identifier(FilterToken token, SearchDialect dialect, string context)
    {
        var text = token.Text;
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var prefix = dot < 0 ? "attribute" : text[..dot].Trim();
        var key = KeyOf(dot < 0 ? text : text[(dot + 1)..], token.Kind == TokenKind.Quoted || prefix is "attribute" or "attributes" or "attr" or "run");
        var kind = prefix switch
        {
            "metric" or "metrics" => EntityKind.Metric,
            "param" or "params" or "parameter" or "parameters" => EntityKind.Param,
            "tag" or "tags" => EntityKind.Tag,
            "attribute" or "attributes" or "attr" or "run" => EntityKind.Attribute,
            "dataset" or "datasets" => EntityKind.Dataset,
            _ => throw MLflowException.Invalid($"{context} Invalid entity type '{prefix}'. Valid values are attribute, metric, param, tag, dataset."),
        };
        if (!dialect.Kinds.Contains(kind))
        {
            throw MLflowException.Invalid($"{context} Invalid entity type '{prefix}'.");
        }

        if (key.Length == 0)
        {
            throw MLflowException.Invalid($"{context} A key is missing after '{prefix}.'.");
        }

        return kind switch
        {
            EntityKind.Attribute => dialect.Attributes.TryGetValue(key, out var attribute)
                ? (kind, attribute)
                : throw MLflowException.Invalid($"{context} Invalid attribute key '{key}' specified. Valid keys are '{string.Join("', '", dialect.Attributes.Keys.Order(StringComparer.Ordinal))}'."),
            EntityKind.Dataset => key is "name" or "digest" or "context"
                ? (kind, key)
                : throw MLflowException.Invalid($"{context} Invalid dataset key '{key}' specified. Valid keys are 'name', 'digest', 'context'."),
            _ => (kind, key),
        };
    }

    private double NumberValue(EntityKind kind, string key)
    {
        var word = Take("a number");
        return word.Kind == TokenKind.Word && double.TryParse(word.Text, NumberStyles.Float & ~NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number
            : throw MLflowException.Invalid($"Expected numeric value type for {(kind == EntityKind.Metric ? "metric" : $"numeric attribute: {key}")}. Found '{word.Text}'");
    }

    private string TextValue(EntityKind kind)
    {
        var word = Take("a value");
        return word.Kind == TokenKind.Quoted
            ? word.Text
            : throw MLflowException.Invalid($"Expected a quoted string value for {kind.ToString().ToLowerInvariant()} (e.g. 'my-value'). Got value {word.Text}");
    }

    private string ListValue()
    {
        var value = Take("a value");
        return value.Kind == TokenKind.Quoted
            ? value.Text
            : throw MLflowException.Invalid("While parsing a list in the query, expected a non-empty list of string values, but got " + value.Text);
    }

    private MLflowException NotAllowed(string comparison, EntityKind kind)
        => MLflowException.Invalid($"Invalid comparator '{comparison}' for {kind.ToString().ToLowerInvariant()} in filter string '{Filter}'.");
}
