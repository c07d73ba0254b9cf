namespace AiPlatform.ServiceBusEmulator.Filters;

/// <summary>What a piece of an expression is.</summary>
internal enum SqlTokenKind
{
    End,
    Word,
    Identifier,
    Parameter,
    Text,
    Integer,
    Real,
    Symbol,
}

/// <summary>One piece of an expression. A <see cref="SqlTokenKind.Word"/> may be a keyword or a name; an identifier in brackets or quotes is a name only.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text, without quotes.</param>
/// <param name="Position">Where it starts, counted from 1.</param>
internal readonly record struct SqlToken(SqlTokenKind Kind, string Text, int Position)
{
    internal bool Is(string keyword) => Kind == SqlTokenKind.Word && Text.Equals(keyword, StringComparison.OrdinalIgnoreCase);

    internal bool IsSymbol(string symbol) => Kind == SqlTokenKind.Symbol && Text == symbol;
}
