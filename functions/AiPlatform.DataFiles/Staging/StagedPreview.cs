using System.Globalization;
using AiPlatform.DataFiles.Parquet;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Staging;

/// <summary>Rows of a preview as columns that can be staged. Times are staged as the texts that they are shown as.</summary>
internal static class StagedPreview
{
    /// <summary>The column for a field.</summary>
    public static TableColumn Column(ParquetField field) => field.Column.Kind == VectorKind.Timestamp ? field.Column with { Kind = VectorKind.Text } : field.Column;

    /// <summary>The values of a column.</summary>
    public static ColumnVector Values(TableColumn column, object?[] values)
    {
        var nulls = Array.ConvertAll(values, static value => value is null);
        return column.Kind switch
        {
            VectorKind.Text => new ColumnVector(Array.ConvertAll(values, static value => Convert.ToString(value, CultureInfo.InvariantCulture) is { } text && value is not null ? text : null), values.Length),
            VectorKind.Number => new ColumnVector(Array.ConvertAll(values, Number), nulls, values.Length),
            VectorKind.Boolean => new ColumnVector(VectorKind.Boolean, Array.ConvertAll(values, static value => value is true ? 1L : 0), nulls, values.Length),
            // An integer beyond 64 bits is shown as text.
            _ => new ColumnVector(VectorKind.Integer, Array.ConvertAll(values, static value => value is long number ? number : long.MaxValue), nulls, values.Length),
        };
    }

    private static double Number(object? value) => value switch
    {
        null => 0,
        double number => number,
        string text => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
        _ => Convert.ToDouble(value, CultureInfo.InvariantCulture),
    };
}
