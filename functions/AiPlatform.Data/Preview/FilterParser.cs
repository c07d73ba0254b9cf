using System.Globalization;
using AiPlatform.Data.Expectations;
using AiPlatform.Data.Tables;

namespace AiPlatform.Data.Preview;

/// <summary>Parses conditions by recursive descent.</summary>
internal sealed class FilterParser
{
    private const int MaxLength = 4000;
    private const int MaxDepth = 50;
    private static readonly string[] Operators = ["<=", ">=", "!=", "<>", "==", "=", "<", ">"];

    private readonly string _text;
    private readonly Dictionary<string, int> _columns;
    private readonly SortedSet<int> _used = [];
    private int _at;
    private int _depth;

    public FilterParser(string text, IReadOnlyList<TableColumn> columns)
    {
        _text = text.Length <= MaxLength ? text : throw new FilterException(MaxLength, "the condition is too long");
        _columns = columns.Select(static (column, index) => (column.Name, index)).ToDictionary(static pair => pair.Name, static pair => pair.index, StringComparer.Ordinal);
    }

    public RowFilter Parse()
    {
        var condition = Or();
        SkipBlanks();
        return _at == _text.Length ? new RowFilter(condition, [.. _used]) : throw Error("“and”, “or” or the end is expected");
    }

    private Func<ColumnVector?[], int, bool> Or()
    {
        var left = And();
        while (TryWord("or"))
        {
            var (first, second) = (left, And());
            left = (vectors, row) => first(vectors, row) || second(vectors, row);
        }

        return left;
    }

    private Func<ColumnVector?[], int, bool> And()
    {
        var left = Not();
        while (TryWord("and"))
        {
            var (first, second) = (left, Not());
            left = (vectors, row) => first(vectors, row) && second(vectors, row);
        }

        return left;
    }

    private Func<ColumnVector?[], int, bool> Not()
    {
        if (++_depth > MaxDepth)
        {
            throw Error("the condition is nested too deeply");
        }

        try
        {
            if (TryWord("not"))
            {
                var inner = Not();
                return (vectors, row) => !inner(vectors, row);
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

    private Func<ColumnVector?[], int, bool> Comparison()
    {
        var column = Column();
        if (TryWord("is"))
        {
            var negated = TryWord("not");
            return TryWord("null") ? (vectors, row) => Cell.IsMissing(vectors[column]!, row) != negated : throw Error("“null” is expected");
        }

        var not = TryWord("not");
        if (TryWord("in"))
        {
            var values = List();
            return (vectors, row) => !Cell.IsMissing(vectors[column]!, row) && values.Exists(value => Cell.Compare(vectors[column]!, row, value) == 0) != not;
        }

        foreach (var word in (string[])["contains", "startswith", "endswith", "matches"])
        {
            if (TryWord(word))
            {
                return Text(column, word, not);
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
                var value = Literal();
                return (vectors, row) => Cell.Compare(vectors[column]!, row, value) is { } order && Holds(symbol, order);
            }
        }

        throw Error("an operator is expected");
    }

    private Func<ColumnVector?[], int, bool> Text(int column, string word, bool not)
    {
        SkipBlanks();
        var start = _at;
        if (Literal().Text is not { } wanted)
        {
            throw Error("a text in single quotes is expected");
        }

        var regex = word == "matches" ? Regex(wanted, start) : null;
        return (vectors, row) =>
        {
            if (Cell.IsMissing(vectors[column]!, row))
            {
                return false;
            }

            Span<char> buffer = stackalloc char[40];
            var text = vectors[column]!.Format(row, buffer);
            return not != word switch
            {
                "contains" => text.Contains(wanted, StringComparison.OrdinalIgnoreCase),
                "startswith" => text.StartsWith(wanted, StringComparison.OrdinalIgnoreCase),
                "endswith" => text.EndsWith(wanted, StringComparison.OrdinalIgnoreCase),
                _ => regex!.IsMatch(text),
            };
        };
    }

    private static System.Text.RegularExpressions.Regex Regex(string pattern, int at)
    {
        try
        {
            return QualityPlanReader.CompileRegex(pattern);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw new FilterException(at + 1, exception.Message);
        }
    }

    private static bool Holds(string symbol, int order) => symbol switch
    {
        "=" or "==" => order == 0,
        "!=" or "<>" => order != 0,
        "<" => order < 0,
        "<=" => order <= 0,
        ">" => order > 0,
        ">=" => order >= 0,
        _ => throw new InvalidOperationException($"Unknown operator {symbol}."),
    };

    private int Column()
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

        _used.Add(column);
        return column;
    }

    private List<FilterValue> List()
    {
        if (!TryToken("("))
        {
            throw Error("“(” is expected");
        }

        var values = new List<FilterValue>();
        do
        {
            values.Add(Literal());
        }
        while (TryToken(","));
        return TryToken(")") ? values : throw Error("“)” is expected");
    }

    private FilterValue Literal()
    {
        SkipBlanks();
        if (_at < _text.Length && _text[_at] == '\'')
        {
            return FilterValue.OfText(Quoted('\''));
        }

        if (TryWord("true"))
        {
            return FilterValue.OfBoolean(true);
        }

        if (TryWord("false"))
        {
            return FilterValue.OfBoolean(false);
        }

        var start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '.' or '-' or '+'))
        {
            _at++;
        }

        if (double.TryParse(_text.AsSpan(start, _at - start), NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            return FilterValue.OfNumber(number);
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
