using AiPlatform.DataFiles.Engine;

namespace AiPlatform.DataFiles.Preview;

/// <summary>The same column of two versions, and how its values are compared: as they are where both have one type, else by what they mean.</summary>
internal sealed record ColumnPair(EngineColumn Left, EngineColumn Right)
{
    private bool AreSame => Left.SqlType == Right.SqlType && !Left.IsUntyped && !Right.IsUntyped && Left.SqlType is not ("VARIANT" or "INTERVAL");

    /// <summary>Its name.</summary>
    public string Name => Left.Column.Name;

    /// <summary>A table with its texts in the form that they are compared in beside them.</summary>
    /// <param name="columns">Columns of the table that <see cref="NeedsForm"/>.</param>
    /// <remarks>Each step has a level of its own: a macro over a macro over a macro would compute everything many times over.</remarks>
    public static string WithForms(EngineTable table, IReadOnlyList<EngineColumn> columns)
    {
        if (columns.Count == 0)
        {
            return table.From;
        }

        string Each(Func<EngineColumn, string> form) => string.Join(", ", columns.Select(form));
        var texts = Each(static column => $"{(column.IsUntyped ? column.Value : $"trim({column.Sql}::VARCHAR)")} AS p{column.Index}");
        var numbers = Each(static column => $"text_number(p{column.Index}) AS d{column.Index}");
        var forms = Each(static column => $"canonical(p{column.Index}, d{column.Index}) AS q{column.Index}");
        return $"(SELECT *, {forms} FROM (SELECT *, {numbers} FROM (SELECT *, {texts} FROM {table.From})))";
    }

    /// <summary>Whether a column of the pair is compared in another form than it has.</summary>
    public bool NeedsForm(EngineColumn column) => !AreSame && column.Family == ValueFamily.Text;

    /// <summary>A cell of the earlier version in the form that both are compared in.</summary>
    public string LeftSql(string row = "") => Comparable(Left, Right, row);

    /// <summary>A cell of the later version in the form that both are compared in.</summary>
    public string RightSql(string row = "") => Comparable(Right, Left, row);

    /// <summary>Whether the cells of two rows are equal; two missing values are.</summary>
    public string AreEqual(string left, string right) => $"({LeftSql($"{left}.")} IS NOT DISTINCT FROM {RightSql($"{right}.")})";

    private string Comparable(EngineColumn column, EngineColumn other, string row) => column.Family switch
    {
        _ when AreSame => $"{row}{column.Sql}",
        ValueFamily.Text => other.Family == ValueFamily.Boolean ? $"lower({row}p{column.Index})" : $"{row}q{column.Index}",
        _ => FilterSql.TextOf(column, $"{row}{column.Sql}"),
    };
}
