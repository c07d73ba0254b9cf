using AiPlatform.Ports.MLflow;

namespace AiPlatform.Tracking.Search;

/// <summary>Comparisons as SQL, the same in each of MLflow's filter languages.</summary>
internal static class TextComparison
{
    /// <summary>An expression compared with texts.</summary>
    /// <param name="expression">SQL of ours.</param>
    /// <param name="comparison">Upper case; of texts.</param>
    /// <param name="texts">One, or the list of <c>IN</c>.</param>
    /// <param name="parameter">Makes a parameter of a value and returns its name.</param>
    public static string Sql(string expression, string comparison, IReadOnlyList<string> texts, Func<object, string> parameter) => comparison switch
    {
        "IN" => $"{expression} = ANY({parameter(texts.ToArray())})",
        "NOT IN" => $"{expression} <> ALL({parameter(texts.ToArray())})",

        // A backslash is a character like others.
        "LIKE" or "ILIKE" => $"{expression} {comparison} {parameter(texts[0])} ESCAPE ''",
        _ => $"{expression} {Sign(comparison)} {parameter(texts[0])}",
    };

    /// <summary>A comparison of signs as PostgreSQL writes it.</summary>
    /// <exception cref="MLflowException">It is none.</exception>
    public static string Sign(string comparison) => comparison switch
    {
        "!=" => "<>",
        "=" or "<" or "<=" or ">" or ">=" => comparison,
        _ => throw MLflowException.Invalid($"Invalid comparator '{comparison}'."),
    };
}
