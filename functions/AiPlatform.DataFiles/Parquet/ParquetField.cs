using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Parquet;

/// <summary>What a column of a Parquet file is said to be, beyond its bytes.</summary>
internal enum ParquetMeaning
{
    /// <summary>What its Arrow type says.</summary>
    Plain,

    /// <summary>A UUID of 16 bytes.</summary>
    Uuid,

    /// <summary>Months, days and milliseconds in 12 bytes.</summary>
    Interval,

    /// <summary>A value that carries its type.</summary>
    Variant,
}

/// <summary>A column of a Parquet file: a field at the top of its schema.</summary>
/// <param name="Leaves">The places of its values among all columns of the file.</param>
internal sealed record ParquetField(TableColumn Column, ParquetMeaning Meaning, int[] Leaves);
