using System.Globalization;
using System.Text;

namespace AiPlatform.MLflow.GraphQL;

/// <summary>The kinds of words of a query.</summary>
internal enum GraphQLTokenKind
{
    Name,
    Punctuation,
    Text,
    Number,
}

/// <summary>One word of a query; of a text what it means.</summary>
internal readonly record struct GraphQLToken(GraphQLTokenKind Kind, string Text)
{
    public bool Is(string sign) => Kind == GraphQLTokenKind.Punctuation && Text == sign;
}

/// <summary>Splits queries into words.</summary>
internal static class GraphQLTokens
{
    /// <summary>The words of a query.</summary>
    /// <exception cref="GraphQLException">It has others than those of the language.</exception>
    public static List<GraphQLToken> Read(string query)
    {
        var tokens = new List<GraphQLToken>();
        for (var i = 0; i < query.Length;)
        {
            var c = query[i];
            if (char.IsWhiteSpace(c) || c is ',' or '\uFEFF')
            {
                i++;
            }
            else if (c == '#')
            {
                i = query.IndexOf('\n', i) is var end and >= 0 ? end : query.Length;
            }
            else if (c == '"')
            {
                tokens.Add(new GraphQLToken(GraphQLTokenKind.Text, Text(query, ref i)));
            }
            else if (char.IsAsciiLetter(c) || c == '_')
            {
                tokens.Add(new GraphQLToken(GraphQLTokenKind.Name, While(query, ref i, static c => char.IsAsciiLetterOrDigit(c) || c == '_')));
            }
            else if (char.IsAsciiDigit(c) || c == '-')
            {
                tokens.Add(new GraphQLToken(GraphQLTokenKind.Number, While(query, ref i, static c => char.IsAsciiDigit(c) || c is '-' or '+' or '.' or 'e' or 'E')));
            }
            else if (query.AsSpan(i).StartsWith("..."))
            {
                tokens.Add(new GraphQLToken(GraphQLTokenKind.Punctuation, "..."));
                i += 3;
            }
            else if (c is '{' or '}' or '(' or ')' or '[' or ']' or ':' or '=' or '!' or '@' or '$' or '|' or '&')
            {
                tokens.Add(new GraphQLToken(GraphQLTokenKind.Punctuation, c.ToString()));
                i++;
            }
            else
            {
                throw new GraphQLException($"Syntax Error: Unexpected character: '{c}'.");
            }
        }

        return tokens;
    }

    private static string While(string query, ref int i, Func<char, bool> belongs)
    {
        var start = i;
        while (i < query.Length && belongs(query[i]))
        {
            i++;
        }

        return query[start..i];
    }

    private static string Text(string query, ref int i)
    {
        const string block = "\"\"\"";
        if (query.AsSpan(i).StartsWith(block))
        {
            var end = query.IndexOf(block, i + 3, StringComparison.Ordinal);
            var inner = end < 0 ? throw Unterminated() : query[(i + 3)..end];
            i = end + 3;
            return inner.Trim();
        }

        var text = new StringBuilder();
        for (i++; i < query.Length && query[i] is not ('"' or '\n'); i++)
        {
            text.Append(query[i] == '\\' ? Escape(query, ref i) : query[i]);
        }

        return i++ < query.Length && query[i - 1] == '"' ? text.ToString() : throw Unterminated();
    }

    private static char Escape(string query, ref int i)
    {
        i++;
        switch (i < query.Length ? query[i] : '\0')
        {
            case 'n':
                return '\n';
            case 't':
                return '\t';
            case 'r':
                return '\r';
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case '"' or '\\' or '/':
                return query[i];
            case 'u' when i + 4 < query.Length && ushort.TryParse(query.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code):
                i += 4;
                return (char)code;
            default:
                throw new GraphQLException("Syntax Error: Invalid character escape sequence.");
        }
    }

    private static GraphQLException Unterminated() => new("Syntax Error: Unterminated string.");
}
