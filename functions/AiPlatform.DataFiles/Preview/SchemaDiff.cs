namespace AiPlatform.DataFiles.Preview;

/// <summary>A column and its type, as far as schemas are compared.</summary>
public sealed record SchemaColumn(string Name, string Type);

/// <summary>A column that differs between two schemas.</summary>
/// <param name="Column">Its name.</param>
/// <param name="Change"><c>added</c>, <c>removed</c>, <c>type</c> or <c>moved</c>.</param>
/// <param name="Before">The type or place before; null for a column that is new.</param>
/// <param name="Now">The type or place now; null for a column that is gone.</param>
public sealed record SchemaChange(string Column, string Change, string? Before, string? Now);

/// <summary>Compares schemas.</summary>
public static class SchemaDiff
{
    /// <summary>What differs, in the order of the columns: first what was there, then what is new.</summary>
    public static IReadOnlyList<SchemaChange> Compare(IReadOnlyList<SchemaColumn> before, IReadOnlyList<SchemaColumn> now)
    {
        var current = now.ToDictionary(static column => column.Name, StringComparer.Ordinal);
        var changes = new List<SchemaChange>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        var earlier = before.Select(static column => column.Name).ToHashSet(StringComparer.Ordinal);
        var places = now.Where(column => earlier.Contains(column.Name)).Select(static (column, index) => (column.Name, index))
            .ToDictionary(static pair => pair.Name, static pair => pair.index, StringComparer.Ordinal);
        var place = 0;
        foreach (var column in before)
        {
            known.Add(column.Name);
            if (!current.TryGetValue(column.Name, out var other))
            {
                changes.Add(new SchemaChange(column.Name, "removed", column.Type, null));
                continue;
            }

            if (column.Type != other.Type)
            {
                changes.Add(new SchemaChange(column.Name, "type", column.Type, other.Type));
            }

            // A place counts among the columns that both have: a new column in front moves none.
            if (places[column.Name] != place)
            {
                changes.Add(new SchemaChange(column.Name, "moved", $"{place + 1}", $"{places[column.Name] + 1}"));
            }

            place++;
        }

        changes.AddRange(now.Where(column => !known.Contains(column.Name)).Select(static column => new SchemaChange(column.Name, "added", null, column.Type)));
        return changes;
    }
}
