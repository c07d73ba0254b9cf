using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Engine;

/// <summary>A column of a table that is queried. In SQL it goes by its place, never by its name.</summary>
/// <param name="Index">Its place, from 0.</param>
/// <param name="Column">What previews call it.</param>
/// <param name="SqlType">The engine's type.</param>
internal sealed record EngineColumn(int Index, TableColumn Column, string SqlType)
{
    /// <summary>Whether its values cannot be read: they are shown as missing.</summary>
    public bool IsBroken { get; init; }

    /// <summary>What kind of type it is.</summary>
    public ValueFamily Family { get; } = Of(SqlType);

    /// <summary>The column in SQL.</summary>
    public string Sql => $"c{Index}";

    /// <summary>Whether its values are texts of a format without types.</summary>
    public bool IsUntyped => Column.Declared == "text" && Family == ValueFamily.Text;

    /// <summary>Whether its values are numbers.</summary>
    public bool IsNumeric => Family is ValueFamily.Integer or ValueFamily.BigInteger or ValueFamily.Decimal or ValueFamily.Float;

    /// <summary>The value in SQL; null where there is none that means anything.</summary>
    public string Value => ValueOf(Sql);

    /// <summary>The value as previews show it, in SQL: see <see cref="ShownValue.Read"/>.</summary>
    public string Shown => ShownOf(Sql);

    /// <summary>The value of a cell in SQL; null where there is none that means anything.</summary>
    public string ValueOf(string cell) => Family switch
    {
        ValueFamily.Text when IsUntyped => $"present({cell})",
        ValueFamily.Text => SqlType == "VARCHAR" ? $"filled({cell})" : $"{cell}::VARCHAR",
        ValueFamily.Float => $"(CASE WHEN isnan({cell}) THEN NULL ELSE {cell} END)",
        // To the engine a month is 30 days; and a variant has no order.
        ValueFamily.Interval => $"{cell}::VARCHAR",
        ValueFamily.Nested when SqlType == "VARIANT" => $"to_json({cell})::VARCHAR",
        _ => cell,
    };

    /// <summary>A cell as previews show it, in SQL.</summary>
    public string ShownOf(string cell) => IsBroken ? "NULL::VARCHAR" : Family switch
    {
        ValueFamily.Integer => $"{cell}::BIGINT",
        ValueFamily.Float => $"{cell}::DOUBLE",
        ValueFamily.Boolean => cell,
        ValueFamily.Date => $"(CASE WHEN isfinite({cell}) THEN ({cell} - DATE '1970-01-01')::BIGINT END)",
        ValueFamily.Timestamp => $"(CASE WHEN isfinite({cell}) THEN {(SqlType == "TIMESTAMP_NS" ? "epoch_ns" : "epoch_us")}({cell}) END)",
        ValueFamily.Nested => $"to_json({cell})::VARCHAR",
        ValueFamily.Time => $"{cell}::TIME::VARCHAR",
        _ => $"{cell}::VARCHAR",
    };

    private static ValueFamily Of(string type) => type switch
    {
        "TINYINT" or "SMALLINT" or "INTEGER" or "BIGINT" or "UTINYINT" or "USMALLINT" or "UINTEGER" => ValueFamily.Integer,
        "UBIGINT" or "HUGEINT" or "UHUGEINT" or "BIGNUM" => ValueFamily.BigInteger,
        "FLOAT" or "DOUBLE" => ValueFamily.Float,
        "BOOLEAN" => ValueFamily.Boolean,
        "DATE" => ValueFamily.Date,
        "INTERVAL" => ValueFamily.Interval,
        "VARCHAR" or "UUID" or "JSON" => ValueFamily.Text,
        "BLOB" or "BIT" => ValueFamily.Binary,
        _ when type.EndsWith(']') || type.StartsWith("STRUCT", StringComparison.Ordinal) || type.StartsWith("MAP", StringComparison.Ordinal) => ValueFamily.Nested,
        _ when type.StartsWith("DECIMAL", StringComparison.Ordinal) => ValueFamily.Decimal,
        _ when type.StartsWith("TIMESTAMP", StringComparison.Ordinal) => ValueFamily.Timestamp,
        _ when type.StartsWith("TIME", StringComparison.Ordinal) => ValueFamily.Time,
        _ when type.StartsWith("ENUM", StringComparison.Ordinal) => ValueFamily.Text,
        _ when type.StartsWith("GEOMETRY", StringComparison.Ordinal) => ValueFamily.Binary,
        _ => ValueFamily.Nested,
    };
}
