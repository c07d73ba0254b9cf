namespace AiPlatform.Tracking.Search;

/// <summary>What an identifier of a filter or an order names.</summary>
internal enum EntityKind
{
    Attribute,
    Metric,
    Param,
    Tag,
    Dataset,
}

/// <summary>One clause of a filter: <c>identifier operator value</c>.</summary>
/// <param name="Operator">Upper case: <c>=</c>, <c>!=</c>, <c>&gt;</c>, <c>&gt;=</c>, <c>&lt;</c>, <c>&lt;=</c>, <c>LIKE</c>, <c>ILIKE</c>, <c>IN</c>, <c>NOT IN</c>, <c>IS NULL</c>, <c>IS NOT NULL</c>.</param>
/// <param name="Number">The value of a metric or a numeric attribute.</param>
/// <param name="Texts">The value, or the list of <c>IN</c>.</param>
internal sealed record Comparison(EntityKind Kind, string Key, string Operator, double Number, IReadOnlyList<string> Texts)
{
    public string Text => Texts[0];
}

/// <summary>One column of an order; what is missing or NaN comes last in both directions.</summary>
internal sealed record Ordering(EntityKind Kind, string Key, bool Ascending);
