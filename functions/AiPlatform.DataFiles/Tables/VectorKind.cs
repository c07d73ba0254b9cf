namespace AiPlatform.DataFiles.Tables;

/// <summary>How the values of a column are held.</summary>
public enum VectorKind
{
    /// <summary>Characters.</summary>
    Text,

    /// <summary>64-bit integers.</summary>
    Integer,

    /// <summary>Double-precision numbers.</summary>
    Number,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>Points in time, in ticks of UTC.</summary>
    Timestamp,
}
