using System.Globalization;
using System.Numerics;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Preview;

/// <summary>
/// Comparisons as SQL. Whatever a user wrote becomes a parameter; the text of the query is made of ours only. Each comparison is true or
/// false: with a missing value it is false, so that its negation is true.
/// </summary>
internal sealed class FilterSql
{
    private static readonly BigInteger MaxHuge = (BigInteger)Int128.MaxValue;
    private readonly List<object?> _parameters = [];

    /// <summary>The values of the parameters.</summary>
    public IReadOnlyList<object?> Parameters => _parameters;

    /// <summary>Whether a cell has no value.</summary>
    public static string IsMissing(EngineColumn column) => $"({column.Value} IS NULL)";

    /// <summary>A cell compared with a constant.</summary>
    /// <param name="symbol">One of <c>=</c>, <c>&lt;&gt;</c>, <c>&lt;</c>, <c>&lt;=</c>, <c>&gt;</c>, <c>&gt;=</c>.</param>
    public string Compare(EngineColumn column, string symbol, FilterLiteral literal) => $"coalesce({Comparison(column, symbol, literal)}, FALSE)";

    /// <summary>A text function of a cell and a text, both in lower case.</summary>
    public string Text(EngineColumn column, string function, string text) => $"coalesce({function}(lower({TextOf(column)}), lower({Parameter(text)})), FALSE)";

    /// <summary>Whether a cell's text matches a regular expression.</summary>
    public string Matches(EngineColumn column, string pattern) => $"coalesce(regexp_matches({TextOf(column)}, {Parameter(pattern)}), FALSE)";

    /// <summary>A cell as text.</summary>
    public static string TextOf(EngineColumn column, string? cell = null)
    {
        var sql = cell ?? column.Sql;
        return column.Family switch
        {
            ValueFamily.Text => column.ValueOf(sql),
            ValueFamily.Float => $"float_text({sql}::DOUBLE)",
            ValueFamily.Decimal => $"decimal_text({sql}::VARCHAR)",
            ValueFamily.Date => $"strftime({sql}, '%Y-%m-%d')",
            ValueFamily.Timestamp => $"(CASE WHEN {sql}::TIME = TIME '00:00:00' THEN strftime({sql}, '%Y-%m-%d') ELSE strftime({sql}, '%Y-%m-%dT%H:%M:%SZ') END)",
            ValueFamily.Nested => $"to_json({sql})::VARCHAR",
            _ => $"{sql}::VARCHAR",
        };
    }

    private string Comparison(EngineColumn column, string symbol, FilterLiteral literal)
    {
        var value = column.Value;
        switch (column.Family)
        {
            case ValueFamily.Boolean:
                return literal.Flag is { } flag ? $"{value} {symbol} {Parameter(flag)}" : literal.Number is { } bit ? $"{value}::INTEGER {symbol} {Parameter(bit.Value)}" : "FALSE";
            case ValueFamily.Integer or ValueFamily.BigInteger or ValueFamily.Decimal or ValueFamily.Float:
                return Number(literal) is { } number ? Compare(column, value, symbol, number) : "FALSE";
            case ValueFamily.Date or ValueFamily.Timestamp or ValueFamily.Time:
                return literal.Text is { } time ? $"{value} {symbol} {Time(column, time)}" : "FALSE";
            case ValueFamily.Text when literal.Number is { } numeral:
                return $"(CASE WHEN text_integer({value}) IS NOT NULL THEN {Integers($"text_integer({value})", symbol, numeral)} ELSE text_number({value}) {symbol} {Parameter(numeral.Value)} END)";
            case ValueFamily.Text when literal.Flag is { } truth:
                return $"(lower({value}) <> {Parameter(truth ? "true" : "false")})::INTEGER {symbol} 0";
            default:
                return literal.Text is { } text ? $"{TextOf(column)} {symbol} {Parameter(text)}" : "FALSE";
        }
    }

    private string Compare(EngineColumn column, string value, string symbol, NumberLiteral number)
    {
        switch (column.Family)
        {
            case ValueFamily.Integer or ValueFamily.BigInteger:
                return Integers(value, symbol, number);
            case ValueFamily.Decimal:
                var scale = Scale(column.SqlType);
                var common = Math.Max(scale, number.Scale);
                var rough = $"{value}::DOUBLE {symbol} {Parameter(number.Value)}";
                return common + number.IntegerDigits <= 38
                    ? $"coalesce(TRY_CAST({value} AS DECIMAL(38,{common})) {symbol} {Parameter(number.Text)}::DECIMAL(38,{common}), {rough})"
                    : rough;
            default:
                return $"{value}::DOUBLE {symbol} {Parameter(number.Value)}";
        }
    }

    // An integer beside a fraction is compared with the integers around it.
    private string Integers(string value, string symbol, NumberLiteral number)
    {
        if (BigInteger.Abs(number.Floor) >= MaxHuge)
        {
            return $"{value}::DOUBLE {symbol} {Parameter(number.Value)}";
        }

        if (number.Scale == 0)
        {
            return $"{value}::HUGEINT {symbol} {Parameter(number.Unscaled)}";
        }

        return symbol switch
        {
            "=" => $"({value} IS NULL)",
            "<>" => $"({value} IS NOT NULL)",
            "<" or "<=" => $"{value}::HUGEINT <= {Parameter(number.Floor)}",
            _ => $"{value}::HUGEINT > {Parameter(number.Floor)}",
        };
    }

    private string Time(EngineColumn column, string text)
    {
        var type = column.Family == ValueFamily.Date ? "TIMESTAMP" : column.SqlType;
        var iso = ValueParser.TryTime(text, out var ticks, out _) ? new DateTime(ticks, DateTimeKind.Utc).ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture) : text;
        return $"coalesce(TRY_CAST({Parameter(text)} AS {type}), TRY_CAST({Parameter(iso)} AS {type}))";
    }

    private static NumberLiteral? Number(FilterLiteral literal) => literal switch
    {
        { Number: { } number } => number,
        { Flag: { } flag } => new NumberLiteral(flag ? 1 : 0, 0, flag ? 1 : 0),
        _ => NumberLiteral.Parse(literal.Text),
    };

    // Of DECIMAL(precision,scale).
    private static int Scale(string type) => int.Parse(type[(type.IndexOf(',', StringComparison.Ordinal) + 1)..^1], CultureInfo.InvariantCulture);

    private string Parameter(object value)
    {
        _parameters.Add(value);
        return string.Create(CultureInfo.InvariantCulture, $"${_parameters.Count}");
    }
}
