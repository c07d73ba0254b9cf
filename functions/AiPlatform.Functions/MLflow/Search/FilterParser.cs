using System.Globalization;
using AiPlatform.Functions.MLflow.Http;

namespace AiPlatform.Functions.MLflow.Search;

/// <summary>
/// MLflow's filter grammar: <c>identifier operator value (AND identifier operator value)*</c>. There is no OR and no
/// parenthesis except around the list of IN. Text values are quoted, numbers are not.
/// </summary>
internal sealed class FilterParser
{
    private const int MaxClauses = 100;
    private static readonly string[] NumberOperators = [">", ">=", "!=", "=", "<", "<="];
    private static readonly string[] TextOperators = ["=", "!=", "LIKE", "ILIKE"];

    private readonly string _filter;
    private readonly SearchDialect _dialect;
    private readonly List<FilterToken> _tokens;
    private int _next;

    private FilterParser(string filter, SearchDialect dialect) => (_filter, _dialect, _tokens) = (filter, dialect, FilterTokens.Read(filter));

    /// <summary>The clauses of a filter, all of which must hold; none for an empty filter.</summary>
    /// <exception cref="MLflowException">The filter is not one of this grammar.</exception>
    public static IReadOnlyList<Comparison> Parse(string? filter, SearchDialect dialect)
        => string.IsNullOrWhiteSpace(filter) ? [] : new FilterParser(filter, dialect).Clauses();

    /// <summary>The columns of an order.</summary>
    /// <exception cref="MLflowException">An entry is no identifier with an optional direction.</exception>
    public static IReadOnlyList<Ordering> Order(IEnumerable<string> entries, SearchDialect dialect)
        => [.. entries.Select(entry =>
        {
            var text = entry.Trim();
            var ascending = !text.EndsWith(" DESC", StringComparison.OrdinalIgnoreCase);
            text = !ascending ? text[..^5] : text.EndsWith(" ASC", StringComparison.OrdinalIgnoreCase) ? text[..^4] : text;
            if (text.Trim().Length == 0)
            {
                throw MLflowException.Invalid($"Invalid order_by clause '{entry}'. Could not be parsed.");
            }

            // Unlike in filters, an attribute of several words needs no quotes here.
            var words = dialect.Attributes.ContainsKey(text.Trim()) ? text.Trim() : null;
            var tokens = words is null ? FilterTokens.Read(text) : [new FilterToken(TokenKind.Word, words)];
            if (tokens is not [{ Kind: TokenKind.Word or TokenKind.Quoted } word])
            {
                throw MLflowException.Invalid($"Invalid order_by clause '{entry}'. Could not be parsed.");
            }

            var (kind, key) = Identifier(word, dialect, $"Invalid order_by clause '{entry}'.");
            return kind == EntityKind.Dataset
                ? throw MLflowException.Invalid($"Invalid order_by entity 'dataset' in '{entry}'.")
                : new Ordering(kind, key, ascending);
        })];

    private List<Comparison> Clauses()
    {
        var clauses = new List<Comparison> { Clause() };
        while (_next < _tokens.Count)
        {
            var word = _tokens[_next++];
            if (!word.Is("AND") || clauses.Count == MaxClauses)
            {
                throw Wrong(word.Is("OR") ? "OR is not supported" : $"expected AND, found '{word.Text}'");
            }

            clauses.Add(Clause());
        }

        return clauses;
    }

    private Comparison Clause()
    {
        var name = Take("an identifier");
        if (name.Kind is not (TokenKind.Word or TokenKind.Quoted))
        {
            throw Wrong($"expected an identifier, found '{name.Text}'");
        }

        var (kind, key) = Identifier(name, _dialect, $"Invalid filter string '{_filter}'.");
        var comparison = Operator();
        var numeric = kind == EntityKind.Metric || (kind == EntityKind.Attribute && _dialect.Numeric.Contains(key));
        if (comparison is "IS NULL" or "IS NOT NULL")
        {
            return kind is EntityKind.Tag or EntityKind.Param ? new Comparison(kind, key, comparison, 0, []) : throw NotAllowed(comparison, kind);
        }

        if (numeric)
        {
            return NumberOperators.Contains(comparison) ? new Comparison(kind, key, comparison, NumberValue(kind, key), []) : throw NotAllowed(comparison, kind);
        }

        if (comparison is "IN" or "NOT IN")
        {
            return kind == EntityKind.Dataset || (kind == EntityKind.Attribute && _dialect.Lists.Contains(key))
                ? new Comparison(kind, key, comparison, 0, List())
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

    private string Operator()
    {
        var word = Take("a comparison");
        if (word.Kind == TokenKind.Operator)
        {
            return word.Text == "<>" ? "!=" : word.Text;
        }

        if (word.Is("IS"))
        {
            var not = Take("NULL");
            var last = not.Is("NOT") ? Take("NULL") : not;
            return last.Is("NULL") ? not.Is("NOT") ? "IS NOT NULL" : "IS NULL" : throw Wrong($"expected NULL, found '{last.Text}'");
        }

        if (word.Is("NOT"))
        {
            var second = Take("IN");
            return second.Is("IN") ? "NOT IN" : throw Wrong($"expected IN, found '{second.Text}'");
        }

        return word.Is("LIKE") || word.Is("ILIKE") || word.Is("IN") ? word.Text.ToUpperInvariant() : throw Wrong($"'{word.Text}' is no comparison");
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

    private List<string> List()
    {
        if (!Take("(").IsSign("("))
        {
            throw Wrong("expected a list in parentheses");
        }

        var values = new List<string>();
        while (true)
        {
            var value = Take("a value");
            values.Add(value.Kind == TokenKind.Quoted ? value.Text : throw MLflowException.Invalid("While parsing a list in the query, expected a non-empty list of string values, but got " + value.Text));
            var end = Take(")");
            if (end.IsSign(")"))
            {
                return values;
            }

            if (!end.IsSign(","))
            {
                throw Wrong($"expected , or ) and found '{end.Text}'");
            }
        }
    }

    private FilterToken Take(string expected) => _next < _tokens.Count ? _tokens[_next++] : throw Wrong($"expected {expected} at the end");

    private MLflowException NotAllowed(string comparison, EntityKind kind)
        => MLflowException.Invalid($"Invalid comparator '{comparison}' for {kind.ToString().ToLowerInvariant()} in filter string '{_filter}'.");

    private MLflowException Wrong(string reason) => MLflowException.Invalid($"Invalid clause(s) in filter string: '{_filter}': {reason}");
}
