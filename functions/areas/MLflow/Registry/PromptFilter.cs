using AiPlatform.Tracking.Search;

namespace AiPlatform.MLflow.Registry;

/// <summary>
/// Prompts lie in the registry beside models and are told apart by one tag, which models do not have. For it alone a missing key
/// counts as "no prompt", and prompts are left out where a search does not ask for them.
/// </summary>
internal static class PromptFilter
{
    /// <summary>The tag; <c>true</c> for a prompt.</summary>
    public const string Tag = "mlflow.prompt.is_prompt";

    /// <summary>Adds a filter of models (<c>m</c>) or of their versions (<c>v</c>) to a search.</summary>
    /// <param name="sql">Gets the clauses that are left.</param>
    /// <param name="tags">The columns of tags that tell a prompt, such as <c>m.tags</c>.</param>
    /// <returns>A condition that begins with <c> AND</c>, or nothing.</returns>
    public static string Apply(SearchSql sql, IReadOnlyList<Comparison> filter, params ReadOnlySpan<string> tags)
    {
        if (filter.Any(AsksForPrompts))
        {
            sql.Filter(filter);
            return string.Empty;
        }

        sql.Filter(filter.Where(static clause => !IsAboutPrompts(clause)));
        var condition = string.Empty;
        foreach (var column in tags)
        {
            condition += $" AND ({column} ->> '{Tag}') IS DISTINCT FROM 'true'";
        }

        return condition;
    }

    private static bool IsAboutPrompts(Comparison clause) => clause is { Kind: EntityKind.Tag, Key: Tag };

    private static bool AsksForPrompts(Comparison clause)
        => IsAboutPrompts(clause) && clause.Texts is [var text]
            && ((clause.Operator == "=" && text.Equals("true", StringComparison.OrdinalIgnoreCase)) || (clause.Operator == "!=" && text.Equals("false", StringComparison.OrdinalIgnoreCase)));
}
