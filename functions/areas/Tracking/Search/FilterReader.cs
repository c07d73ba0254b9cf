using AiPlatform.Ports.MLflow;

namespace AiPlatform.Tracking.Search;

/// <summary>What MLflow's filter languages share: clauses joined by AND, comparisons, lists in parentheses, the direction of an order.</summary>
/// <param name="filter">The text, for messages.</param>
internal abstract class FilterReader(string filter)
{
    private const int MaxClauses = 100;
    private static readonly string[] NumberOperators = [">", ">=", "!=", "=", "<", "<="];

    private readonly List<FilterToken> _tokens = FilterTokens.Read(filter);
    private int _next;

    /// <summary>The text that is read.</summary>
    protected string Filter => filter;

    /// <summary>Whether numbers are compared so.</summary>
    protected static bool ComparesNumbers(string comparison) => NumberOperators.Contains(comparison);

    /// <summary>The identifier of an order's entry, and its direction.</summary>
    protected static (string Name, bool Ascending) Direction(string entry)
    {
        var text = entry.Trim();
        var ascending = !text.EndsWith(" DESC", StringComparison.OrdinalIgnoreCase);
        return (!ascending ? text[..^5] : text.EndsWith(" ASC", StringComparison.OrdinalIgnoreCase) ? text[..^4] : text, ascending);
    }

    /// <summary>The one identifier in an order's entry.</summary>
    /// <exception cref="MLflowException">There is none, or there is more.</exception>
    protected static FilterToken OrderedBy(IReadOnlyList<FilterToken> tokens, string entry)
        => tokens is [{ Kind: TokenKind.Word or TokenKind.Quoted } word] ? word : throw MLflowException.Invalid($"Invalid order_by clause '{entry}'. Could not be parsed.");

    /// <summary>All clauses; the text is read to its end.</summary>
    protected List<TClause> Clauses<TClause>(Func<TClause> clause)
    {
        var clauses = new List<TClause> { clause() };
        while (_next < _tokens.Count)
        {
            var word = _tokens[_next++];
            if (!word.Is("AND") || clauses.Count == MaxClauses)
            {
                throw Wrong(word.Is("OR") ? "OR is not supported" : $"expected AND, found '{word.Text}'");
            }

            clauses.Add(clause());
        }

        return clauses;
    }

    /// <summary>The identifier that begins a clause.</summary>
    protected FilterToken Identifier()
    {
        var name = Take("an identifier");
        return name.Kind is TokenKind.Word or TokenKind.Quoted ? name : throw Wrong($"expected an identifier, found '{name.Text}'");
    }

    /// <summary>A comparison, in upper case.</summary>
    /// <param name="words">Comparisons that are words, beside IS NULL and IN.</param>
    protected string Operator(params ReadOnlySpan<string> words)
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

        foreach (var known in words)
        {
            if (word.Is(known))
            {
                return known;
            }
        }

        return word.Is("IN") ? "IN" : throw Wrong($"'{word.Text}' is no comparison");
    }

    /// <summary>A list in parentheses.</summary>
    /// <param name="value">Reads one value.</param>
    protected List<string> List(Func<string> value)
    {
        if (!Take("(").IsSign("("))
        {
            throw Wrong("expected a list in parentheses");
        }

        var values = new List<string>();
        while (true)
        {
            values.Add(value());
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

    /// <summary>The next token.</summary>
    /// <exception cref="MLflowException">The text has ended.</exception>
    protected FilterToken Take(string expected) => _next < _tokens.Count ? _tokens[_next++] : throw Wrong($"expected {expected} at the end");

    /// <summary>The filter is not one of this language.</summary>
    protected MLflowException Wrong(string reason) => MLflowException.Invalid($"Invalid clause(s) in filter string: '{filter}': {reason}");
}
