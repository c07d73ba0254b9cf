using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Engine;

/// <summary>What our readers know about texts without types, as macros of SQL.</summary>
internal static class Macros
{
    /// <summary>Statements that make the macros.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        // Staged texts without types have no blanks around them.
        $"CREATE MACRO present(x) AS CASE WHEN x IN ('', {string.Join(", ", MissingText.Marks.Select(DataEngine.Literal))}) THEN NULL ELSE x END",
        // Most texts begin with more than a blank: only the others are looked at closely.
        "CREATE MACRO filled(x) AS CASE WHEN x >= '!' THEN x WHEN trim(x) = '' THEN NULL ELSE x END",
        // Only what ValueParser takes for a number: no leading zeros, no “inf”, no digit groups.
        @"CREATE MACRO text_integer(x) AS CASE WHEN regexp_full_match(x, '[-+]?(0|[1-9][0-9]{0,36})') THEN TRY_CAST(x AS HUGEINT) END",
        @"CREATE MACRO text_number(x) AS CASE WHEN length(x) <= 40 AND regexp_full_match(x, '([-+]?0|[1-9][0-9]*|[-+][0-9]+|[-+]?\.[0-9]+)(\.[0-9]*)?([eE][-+]?[0-9]+)?') THEN TRY_CAST(x AS DOUBLE) END",
        // Numbers as one text each, however they are written; exact beyond what a double holds.
        "CREATE MACRO float_text(d) AS CASE WHEN d = trunc(d) AND abs(d) < 9e18 THEN d::BIGINT::VARCHAR ELSE d::VARCHAR END",
        "CREATE MACRO decimal_text(x) AS CASE WHEN contains(x, '.') THEN rtrim(rtrim(x, '0'), '.') ELSE x END",
        // The text x whose number is d.
        """
        CREATE MACRO canonical(x, d) AS CASE
            WHEN d IS NULL OR isinf(d) THEN x
            WHEN length(regexp_replace(x, '[^0-9]', '', 'g')) <= 15 OR contains(lower(x), 'e') THEN float_text(d)
            ELSE decimal_text(ltrim(x, '+')) END
        """,
    ];
}
