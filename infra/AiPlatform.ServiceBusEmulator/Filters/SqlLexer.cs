using System.Text;

namespace AiPlatform.ServiceBusEmulator.Filters;

/// <summary>Cuts an expression of the Service Bus SQL dialect into tokens.</summary>
internal static class SqlLexer
{
    private static readonly string[] DoubleSymbols = ["<>", "!=", ">=", "<="];

    internal static List<SqlToken> Read(string text)
    {
        var tokens = new List<SqlToken>();
        var position = 0;
        while (position < text.Length)
        {
            if (char.IsWhiteSpace(text[position]))
            {
                position++;
                continue;
            }

            var start = position;
            var (kind, value) = ReadOne(text, ref position);
            tokens.Add(new SqlToken(kind, value, start + 1));
        }

        tokens.Add(new SqlToken(SqlTokenKind.End, string.Empty, text.Length + 1));
        return tokens;
    }

    private static (SqlTokenKind Kind, string Text) ReadOne(string text, ref int position)
    {
        var first = text[position];
        return first switch
        {
            '\'' => (SqlTokenKind.Text, ReadDelimited(text, ref position, '\'')),
            '"' => (SqlTokenKind.Identifier, ReadDelimited(text, ref position, '"')),
            '[' => (SqlTokenKind.Identifier, ReadDelimited(text, ref position, ']')),
            '@' => (SqlTokenKind.Parameter, ReadWord(text, ref position)),
            _ when char.IsLetter(first) || first == '_' => (SqlTokenKind.Word, ReadWord(text, ref position)),
            _ when char.IsAsciiDigit(first) || (first == '.' && position + 1 < text.Length && char.IsAsciiDigit(text[position + 1])) => ReadNumber(text, ref position),
            _ => (SqlTokenKind.Symbol, ReadSymbol(text, ref position)),
        };
    }

    // The closing delimiter stands for itself when it is doubled.
    private static string ReadDelimited(string text, ref int position, char close)
    {
        var start = position++;
        var result = new StringBuilder();
        while (position < text.Length)
        {
            if (text[position] != close)
            {
                result.Append(text[position++]);
            }
            else if (position + 1 < text.Length && text[position + 1] == close)
            {
                result.Append(close);
                position += 2;
            }
            else
            {
                position++;
                return result.ToString();
            }
        }

        throw new FilterException($"The text that starts at position {start + 1} has no closing {close}.");
    }

    private static string ReadWord(string text, ref int position)
    {
        var start = position++;
        while (position < text.Length && (char.IsLetterOrDigit(text[position]) || text[position] == '_'))
        {
            position++;
        }

        return text[start..position];
    }

    private static (SqlTokenKind Kind, string Text) ReadNumber(string text, ref int position)
    {
        var start = position;
        var isReal = false;
        SkipDigits(text, ref position);
        if (position < text.Length && text[position] == '.')
        {
            isReal = true;
            position++;
            SkipDigits(text, ref position);
        }

        if (position < text.Length && text[position] is 'e' or 'E')
        {
            isReal = true;
            position++;
            if (position < text.Length && text[position] is '+' or '-')
            {
                position++;
            }

            SkipDigits(text, ref position);
        }

        return (isReal ? SqlTokenKind.Real : SqlTokenKind.Integer, text[start..position]);
    }

    private static void SkipDigits(string text, ref int position)
    {
        while (position < text.Length && char.IsAsciiDigit(text[position]))
        {
            position++;
        }
    }

    private static string ReadSymbol(string text, ref int position)
    {
        foreach (var symbol in DoubleSymbols)
        {
            if (string.CompareOrdinal(text, position, symbol, 0, symbol.Length) == 0)
            {
                position += symbol.Length;
                return symbol;
            }
        }

        if (!"=<>+-*/%().,;".Contains(text[position], StringComparison.Ordinal))
        {
            throw new FilterException($"The character '{text[position]}' at position {position + 1} is not expected.");
        }

        return text[position++].ToString();
    }
}
