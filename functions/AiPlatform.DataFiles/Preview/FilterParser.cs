using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Expectations;

namespace AiPlatform.DataFiles.Preview;

/// <summary>Parses conditions by recursive descent into SQL.</summary>
internal sealed class FilterParser
{
    private const int MaxLength = 4000;
    private const int MaxDepth = 50;
    private static readonly string[] Operators = ["<=", ">=", "!=", "<>", "==", "=", "<", ">"];

    private readonly string _text;
    private readonly Dictionary<string, EngineColumn> _columns;
    private readonly FilterSql _sql = new();
    private readonly List<FilterPattern> _patterns = [];
    private int _at;
    private int _depth;

    public FilterParser(string text, IReadOnlyList<EngineColumn> columns)
    {
        _text = text.Length <= MaxLength ? text : throw new FilterException(MaxLength, "the condition is too long");
        _columns = columns.ToDictionary(static column => column.Column.Name, StringComparer.Ordinal);
    }

    public RowFilter Parse()
    {
        var condition = Or();
        SkipBlanks();
        return _at == _text.Length ? new RowFilter(condition, _sql.Parameters, _patterns) : throw Error("“and”, “or” or the end is expected");
    }

    private string Or()
    {
        var left = And();
        while (TryWord("or"))
        {
            left = $"({left} OR {And()})";
        }

        return left;
    }

    private string And()
    {
        var left = Not();
        while (TryWord("and"))
        {
            left = $"({left} AND {Not()})";
        }

        return left;
    }

    private string Not()
    {
        if (++_depth > MaxDepth)
        {
            throw Error("the condition is nested too deeply");
        }

        try
        {
            if (TryWord("not"))
            {
                return $"(NOT {Not()})";
            }

            if (!TryToken("("))
            {
                return Comparison();
            }

            var group = Or();
            return TryToken(")") ? group : throw Error("“)” is expected");
        }
        finally
        {
            _depth--;
        }
    }

    private string Comparison()
    {
        var column = Column();
        var isMissing = FilterSql.IsMissing(column);
        if (TryWord("is"))
        {
            var negated = TryWord("not");
            return TryWord("null") ? Negated(isMissing, negated) : throw Error("“null” is expected");
        }

        var not = TryWord("not");
        if (TryWord("in"))
        {
            var any = $"({string.Join(" OR ", List().Select(value => _sql.Compare(column, "=", value)))})";
            return $"(NOT {isMissing} AND {Negated(any, not)})";
        }

        foreach (var word in (string[])["contains", "startswith", "endswith", "matches"])
        {
            if (TryWord(word))
            {
                return $"(NOT {isMissing} AND {Negated(Text(column, word), not)})";
            }
        }

        if (not)
        {
            throw Error("“in”, “contains”, “startswith”, “endswith” or “matches” is expected");
        }

        foreach (var symbol in Operators)
        {
            if (TryToken(symbol))
            {
                return _sql.Compare(column, symbol switch { "==" => "=", "!=" => "<>", _ => symbol }, Literal());
            }
        }

        throw Error("an operator is expected");
    }

    private string Text(EngineColumn column, string word)
    {
        SkipBlanks();
        var start = _at;
        if (Literal().Text is not { } wanted)
        {
            throw Error("a text in single quotes is expected");
        }

        if (word != "matches")
        {
            return _sql.Text(column, word switch { "contains" => "contains", "startswith" => "starts_with", _ => "ends_with" }, wanted);
        }

        CheckRegex(wanted, start);
        _patterns.Add(new FilterPattern(start + 1, wanted));
        return _sql.Matches(column, wanted);
    }

    private static string Negated(string condition, bool not) => not ? $"(NOT {condition})" : condition;

    private static void CheckRegex(string pattern, int at)
    {
        try
        {
            QualityPlanReader.CompileRegex(pattern);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw new FilterException(at + 1, exception.Message);
        }
    }

    private EngineColumn Column()
    {
        SkipBlanks();
        var start = _at;
        var name = _at < _text.Length && _text[_at] is '`' or '"' ? Quoted(_text[_at]) : Word();
        if (name.Length == 0)
        {
            throw Error("a column is expected");
        }

        if (!_columns.TryGetValue(name, out var column))
        {
            throw new FilterException(start + 1, $"there is no column “{name}”");
        }

        return column;
    }

    private List<FilterLiteral> List()
    {
        if (!TryToken("("))
        {
            throw Error("“(” is expected");
        }

        var values = new List<FilterLiteral>();
        do
        {
            values.Add(Literal());
        }
        while (TryToken(","));
        return TryToken(")") ? values : throw Error("“)” is expected");
    }

    private FilterLiteral Literal()
    {
        SkipBlanks();
        if (_at < _text.Length && _text[_at] == '\'')
        {
            return new FilterLiteral(Quoted('\''), null, null);
        }

        if (TryWord("true"))
        {
            return new FilterLiteral(null, null, true);
        }

        if (TryWord("false"))
        {
            return new FilterLiteral(null, null, false);
        }

        var start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '.' or '-' or '+'))
        {
            _at++;
        }

        if (NumberLiteral.Parse(_text.AsSpan(start, _at - start)) is { } number)
        {
            return new FilterLiteral(null, number, null);
        }

        _at = start;
        throw Error("a number, true, false or a text in single quotes is expected");
    }

    // A doubled quote stands for one.
    private string Quoted(char quote)
    {
        var start = _at++;
        var text = new System.Text.StringBuilder();
        while (_at < _text.Length)
        {
            var c = _text[_at++];
            if (c != quote)
            {
                text.Append(c);
            }
            else if (_at < _text.Length && _text[_at] == quote)
            {
                text.Append(quote);
                _at++;
            }
            else
            {
                return text.ToString();
            }
        }

        throw new FilterException(start + 1, "the quotes do not end");
    }

    private string Word()
    {
        var start = _at;
        while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] is '_' or '.'))
        {
            _at++;
        }

        return _text[start.._at];
    }

    private bool TryWord(string word)
    {
        SkipBlanks();
        var start = _at;
        if (Word().Equals(word, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        _at = start;
        return false;
    }

    private bool TryToken(string token)
    {
        SkipBlanks();
        if (!_text.AsSpan(_at).StartsWith(token, StringComparison.Ordinal))
        {
            return false;
        }

        _at += token.Length;
        return true;
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }
    }

    private FilterException Error(string problem) => new(_at + 1, problem);
}
