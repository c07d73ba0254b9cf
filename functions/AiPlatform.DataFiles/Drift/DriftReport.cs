using AiPlatform.DataFiles.Preview;

namespace AiPlatform.DataFiles.Drift;

/// <summary>How a table differs from the same table of another version.</summary>
/// <param name="Table">Its name.</param>
/// <param name="RowsBefore">Rows before.</param>
/// <param name="RowsNow">Rows now.</param>
/// <param name="Columns">Columns that are in both and can be compared.</param>
/// <param name="Schema">Columns that came, went, or changed their type.</param>
public sealed record DriftReport(string Table, long RowsBefore, long RowsNow, IReadOnlyList<ColumnDrift> Columns, IReadOnlyList<SchemaChange> Schema)
{
    /// <summary>The largest PSI.</summary>
    public double MaxPsi => Columns.Count == 0 ? 0 : Columns.Max(static column => column.Psi);
}
