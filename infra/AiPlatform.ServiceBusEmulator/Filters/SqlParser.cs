using System.Globalization;
using AiPlatform.Hosting;

namespace AiPlatform.ServiceBusEmulator.Filters;

/// <summary>A parsed expression: gives its value for a message, null for unknown.</summary>
internal delegate object? SqlExpression(FilteredMessage message);

/// <summary>
/// Parses the SQL dialect of subscription rules. Grammar and semantics: Azure docs, "Subscription Rule SQL Filter Syntax" and
/// "Subscription Rule SQL Action Syntax".
/// </summary>
internal sealed class SqlParser
{
    private const int MaxLength = 1024;
    private const int MaxDepth = 64;
    private const int MaxStatements = 32;

    private static readonly HashSet<string> Keywords = new(StringComparer.OrdinalIgnoreCase)
    {
        "AND", "OR", "NOT", "IS", "NULL", "IN", "LIKE", "ESCAPE", "EXISTS", "TRUE", "FALSE", "SET", "REMOVE",
    };

    private readonly IReadOnlyDictionary<string, object> _parameters;
    private readonly List<SqlToken> _tokens;
    private int _next;
    private int _depth;

    private SqlParser(string text, IReadOnlyDictionary<string, object> parameters)
    {
        if (text.Length > MaxLength)
        {
            throw new FilterException($"The expression is longer than {MaxLength} characters.");
        }

        _parameters = parameters;
        _tokens = SqlLexer.Read(text);
    }

    private SqlToken Current => _tokens[_next];

    /// <summary>Parses a condition.</summary>
    /// <exception cref="FilterException">It is not one.</exception>
    internal static SqlExpression ParseFilter(string text, IReadOnlyDictionary<string, object> parameters)
    {
        var parser = new SqlParser(text, parameters);
        var condition = parser.Or();
        parser.ExpectEnd();
        return condition;
    }

    /// <summary>Parses the statements of an action.</summary>
    /// <exception cref="FilterException">They are none.</exception>
    internal static List<Action<FilteredMessage>> ParseAction(string text, IReadOnlyDictionary<string, object> parameters)
    {
        var parser = new SqlParser(text, parameters);
        var statements = new List<Action<FilteredMessage>>();
        do
        {
            statements.Add(parser.Statement());
            while (parser.TakeSymbol(";") || parser.TakeSymbol(","))
            {
            }
        }
        while (parser.Current.Kind != SqlTokenKind.End && statements.Count < MaxStatements);
        parser.ExpectEnd();
        return statements;
    }

    private Action<FilteredMessage> Statement()
    {
        if (Take("SET"))
        {
            var (isSystem, name) = Property();
            EnsureWritable(isSystem, name);
            ExpectSymbol("=");
            var value = Additive();
            return isSystem
                ? message => message.SetSystem(name, value(message))
                : message => message.SetUser(name, value(message));
        }

        if (Take("REMOVE"))
        {
            var (isSystem, name) = Property();
            EnsureWritable(isSystem, name);
            return isSystem ? message => message.SetSystem(name, null) : message => message.RemoveUser(name);
        }

        throw Unexpected("SET or REMOVE");
    }

    private static void EnsureWritable(bool isSystem, string name)
    {
        if (isSystem && !FilteredMessage.IsWritableSystemProperty(name))
        {
            throw new FilterException($"The system property '{name}' cannot be changed.");
        }
    }

    private SqlExpression Or()
    {
        var left = And();
        while (Take("OR"))
        {
            var (a, b) = (left, And());
            left = message => SqlOperators.Or(a(message), b(message));
        }

        return left;
    }

    private SqlExpression And()
    {
        var left = Not();
        while (Take("AND"))
        {
            var (a, b) = (left, Not());
            left = message => SqlOperators.And(a(message), b(message));
        }

        return left;
    }

    private SqlExpression Not()
    {
        if (!Take("NOT"))
        {
            return Comparison();
        }

        Enter();
        var operand = Not();
        _depth--;
        return message => SqlOperators.Not(operand(message));
    }

    private SqlExpression Comparison()
    {
        var left = Additive();
        if (Current.Kind == SqlTokenKind.Symbol && Current.Text is "=" or "<>" or "!=" or ">" or ">=" or "<" or "<=")
        {
            var symbol = _tokens[_next++].Text;
            var right = Additive();
            return message => SqlOperators.Compare(symbol, left(message), right(message));
        }

        if (Take("IS"))
        {
            var isNegated = Take("NOT");
            Expect("NULL");
            return message => left(message) is null != isNegated;
        }

        var isNot = Current.Is("NOT") && (_tokens[_next + 1].Is("IN") || _tokens[_next + 1].Is("LIKE"));
        if (isNot)
        {
            _next++;
        }

        var test = Take("IN") ? In(left) : Take("LIKE") ? Like(left) : null;
        return test is null ? left : isNot ? message => SqlOperators.Not(test(message)) : test;
    }

    private SqlExpression In(SqlExpression left)
    {
        ExpectSymbol("(");
        var items = new List<SqlExpression>();
        do
        {
            items.Add(Additive());
        }
        while (TakeSymbol(","));
        ExpectSymbol(")");
        return message => left(message) is { } value
            ? items.Exists(item => item(message) is { } other && SqlOperators.AreEqual(value, other))
            : null;
    }

    private SqlExpression Like(SqlExpression left)
    {
        var pattern = Additive();
        var escape = Take("ESCAPE") ? Additive() : null;
        return message =>
        {
            var (text, form) = (left(message), pattern(message));
            var character = escape?.Invoke(message);
            if (text is null || form is null || (escape is not null && character is null))
            {
                return null;
            }

            if (text is not string value || form is not string likePattern || character is not (null or string { Length: 1 }))
            {
                throw new FilterException("LIKE needs a text, a pattern, and an escape of one character.");
            }

            try
            {
                return new LikePattern(likePattern, ignoresCase: false, character is string { Length: 1 } single ? single[0] : null).Matches(value);
            }
            catch (FormatException exception)
            {
                throw new FilterException(exception.Message);
            }
        };
    }

    private SqlExpression Additive()
    {
        var left = Multiplicative();
        while (Current.Kind == SqlTokenKind.Symbol && Current.Text is "+" or "-")
        {
            var symbol = _tokens[_next++].Text;
            var (a, b) = (left, Multiplicative());
            left = message => SqlOperators.Calculate(symbol, a(message), b(message));
        }

        return left;
    }

    private SqlExpression Multiplicative()
    {
        var left = Unary();
        while (Current.Kind == SqlTokenKind.Symbol && Current.Text is "*" or "/" or "%")
        {
            var symbol = _tokens[_next++].Text;
            var (a, b) = (left, Unary());
            left = message => SqlOperators.Calculate(symbol, a(message), b(message));
        }

        return left;
    }

    private SqlExpression Unary()
    {
        var isMinus = TakeSymbol("-");
        if (!isMinus && !TakeSymbol("+"))
        {
            return Primary();
        }

        Enter();
        var operand = Unary();
        _depth--;
        return isMinus ? message => SqlOperators.Negate(operand(message)) : operand;
    }

    private SqlExpression Primary()
    {
        var token = Current;
        switch (token.Kind)
        {
            case SqlTokenKind.Text:
                _next++;
                return _ => token.Text;
            case SqlTokenKind.Integer:
                _next++;
                return Constant(long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var integer), integer, token);
            case SqlTokenKind.Real:
                _next++;
                return Constant(double.TryParse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real), real, token);
            case SqlTokenKind.Parameter:
                _next++;
                return _parameters.TryGetValue(token.Text, out var value)
                    ? _ => value
                    : throw new FilterException($"The parameter {token.Text} has no value.");
            case SqlTokenKind.Word when Keyword() is { } keyword:
                return keyword;
            case SqlTokenKind.Word or SqlTokenKind.Identifier:
                var (isSystem, name) = Property();
                return isSystem ? message => message.GetSystem(name) : message => message.GetUser(name);
            case SqlTokenKind.Symbol when TakeSymbol("("):
                Enter();
                var inner = Or();
                _depth--;
                ExpectSymbol(")");
                return inner;
            default:
                throw Unexpected("a value");
        }
    }

    private static SqlExpression Constant(bool isValid, object value, SqlToken token)
        => isValid ? _ => value : throw new FilterException($"The number {token.Text} is out of range.");

    // Constants and functions; null when the word is a name.
    private SqlExpression? Keyword()
    {
        if (Take("TRUE"))
        {
            return static _ => true;
        }

        if (Take("FALSE"))
        {
            return static _ => false;
        }

        if (Take("NULL"))
        {
            return static _ => null;
        }

        var isCall = _tokens[_next + 1].IsSymbol("(");
        if (isCall && Take("EXISTS"))
        {
            ExpectSymbol("(");
            var (isSystem, name) = Property();
            ExpectSymbol(")");
            return isSystem ? message => message.GetSystem(name) is not null : message => message.HasUser(name);
        }

        if (isCall && Take("newid"))
        {
            ExpectSymbol("(");
            ExpectSymbol(")");
            return static _ => Guid.NewGuid();
        }

        if (isCall && (Take("property") || Take("p")))
        {
            ExpectSymbol("(");
            Enter();
            var named = Additive();
            _depth--;
            ExpectSymbol(")");
            return message => named(message) switch
            {
                null => null,
                string name => message.GetUser(name),
                _ => throw new FilterException("The name of a property must be a text."),
            };
        }

        return null;
    }

    private (bool IsSystem, string Name) Property()
    {
        var first = Name();
        if (!TakeSymbol("."))
        {
            return (false, first);
        }

        var name = Name();
        if (first.Equals("user", StringComparison.OrdinalIgnoreCase))
        {
            return (false, name);
        }

        if (!first.Equals("sys", StringComparison.OrdinalIgnoreCase))
        {
            throw new FilterException($"The scope '{first}' is neither sys nor user.");
        }

        return FilteredMessage.IsSystemProperty(name) ? (true, name) : throw new FilterException($"There is no system property '{name}'.");
    }

    private string Name()
    {
        var token = Current;
        if (token.Kind is not (SqlTokenKind.Word or SqlTokenKind.Identifier) || (token.Kind == SqlTokenKind.Word && Keywords.Contains(token.Text)))
        {
            throw Unexpected("the name of a property");
        }

        _next++;
        return token.Text;
    }

    private bool Take(string keyword)
    {
        if (!Current.Is(keyword))
        {
            return false;
        }

        _next++;
        return true;
    }

    private bool TakeSymbol(string symbol)
    {
        if (!Current.IsSymbol(symbol))
        {
            return false;
        }

        _next++;
        return true;
    }

    private void Expect(string keyword)
    {
        if (!Take(keyword))
        {
            throw Unexpected(keyword);
        }
    }

    private void ExpectSymbol(string symbol)
    {
        if (!TakeSymbol(symbol))
        {
            throw Unexpected($"'{symbol}'");
        }
    }

    private void ExpectEnd()
    {
        if (Current.Kind != SqlTokenKind.End)
        {
            throw Unexpected("the end");
        }
    }

    // Bounds the stack that an expression can take.
    private void Enter()
    {
        if (++_depth > MaxDepth)
        {
            throw new FilterException($"The expression is nested more than {MaxDepth} levels deep.");
        }
    }

    private FilterException Unexpected(string expected)
        => new(Current.Kind == SqlTokenKind.End
            ? $"The expression ends where {expected} is expected."
            : $"'{Current.Text}' at position {Current.Position} is found where {expected} is expected.");
}
