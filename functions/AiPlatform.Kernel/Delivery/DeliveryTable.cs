namespace AiPlatform.Kernel.Delivery;

/// <summary>
/// Where the rows of a channel lie: a table of the channel's area, with <c>id</c>, <c>attempts</c>, <c>due_at</c> (also the lease of a delivery under
/// way) and <c>last_error</c>; the other columns have the names that are given here. Everything in it is SQL of ours, never of users.
/// </summary>
/// <param name="Name">The table. Its first letters make the lock under which its rows are leased.</param>
/// <param name="Key">The column that says whom a row is for.</param>
/// <param name="Columns">What the channel's rows need besides: columns of the row <c>d</c> and, where there are targets, of the target <c>t</c>.</param>
public sealed record DeliveryTable(string Name, string Key, string Columns)
{
    /// <summary>The type of <c>id</c>: <c>bigint</c> or <c>text</c>.</summary>
    public string IdType { get; init; } = "bigint";

    /// <summary>The column by which the rows of a key are sorted; an index on the key and it finds the next ones.</summary>
    public string Order { get; init; } = "id";

    /// <summary>Whether a row waits for all earlier ones of its key. Where it does not, one that failed lets the next ones pass.</summary>
    public bool IsOrdered { get; init; } = true;

    /// <summary>The column that says that a row was given up; such rows wait for an operator.</summary>
    public string Parked { get; init; } = "parked";

    /// <summary>The column that says what a row is about.</summary>
    public string Kind { get; init; } = "kind";

    /// <summary>The column that says when a row came about.</summary>
    public string CreatedAt { get; init; } = "created_at";

    /// <summary>The table of those whom rows are for, where there is one.</summary>
    public DeliveryTargets? Targets { get; init; }
}
