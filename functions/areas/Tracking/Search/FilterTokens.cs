using System.Text;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.Tracking.Search;

/// <summary>The kinds of words in a filter.</summary>
internal enum TokenKind
{
    /// <summary>An identifier or keyword; its parts may be quoted.</summary>
    Word,

    /// <summary>A text in single or double quotes.</summary>
    Quoted,

    /// <summary>A comparison operator of signs.</summary>
    Operator,

    /// <summary>A parenthesis or comma.</summary>
    Punctuation,
}

/// <summary>One word of a filter.</summary>
/// <param name="Text">As written; of <see cref="TokenKind.Quoted"/> without its quotes.</param>
internal readonly record struct FilterToken(TokenKind Kind, string Text)
{
    public bool Is(string keyword) => Kind == TokenKind.Word && Text.Equals(keyword, StringComparison.OrdinalIgnoreCase);

    public bool IsSign(string sign) => Kind == TokenKind.Punctuation && Text == sign;
}

/// <summary>Splits filters into words.</summary>
internal static class FilterTokens
{
    public static List<FilterToken> Read(string filter)
    {
        var tokens = new List<FilterToken>();
        for (var i = 0; i < filter.Length;)
        {
            var c = filter[i];
            if (char.IsWhiteSpace(c))
            {
                i++;
            }
            else if (c is '(' or ')' or ',')
            {
                tokens.Add(new FilterToken(TokenKind.Punctuation, filter[i++].ToString()));
            }
            else if (c is '=' or '!' or '<' or '>')
            {
                var length = i + 1 < filter.Length && (filter[i + 1] == '=' || (c == '<' && filter[i + 1] == '>')) ? 2 : 1;
                tokens.Add(new FilterToken(TokenKind.Operator, filter.Substring(i, length)));
                i += length;
            }
            else if (c is '\'' or '"')
            {
                tokens.Add(new FilterToken(TokenKind.Quoted, Quoted(filter, ref i)));
            }
            else
            {
                tokens.Add(new FilterToken(TokenKind.Word, Word(filter, ref i)));
            }
        }

        return tokens;
    }

    // Quotes inside a word hold a key together: metrics."a b", tags.`mlflow.source.name`. Only the first dot separates.
    private static string Word(string filter, ref int i)
    {
        var word = new StringBuilder();
        while (i < filter.Length && !char.IsWhiteSpace(filter[i]) && filter[i] is not ('(' or ')' or ',' or '=' or '!' or '<' or '>'))
        {
            if (filter[i] is '`' or '"' or '\'')
            {
                word.Append(Quoted(filter, ref i));
            }
            else
            {
                word.Append(filter[i++]);
            }
        }

        return word.ToString();
    }

    private static string Quoted(string filter, ref int i)
    {
        var quote = filter[i];
        var end = filter.IndexOf(quote, i + 1);
        if (end < 0)
        {
            throw MLflowException.Invalid($"Invalid filter string: {filter}: a quote is not closed.");
        }

        var text = filter[(i + 1)..end];
        i = end + 1;
        return text;
    }
}
