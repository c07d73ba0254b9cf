namespace AiPlatform.DataFiles.Profiles;

/// <summary>What the values of a column mean.</summary>
public enum ColumnType
{
    /// <summary>Nothing is known: every value is missing.</summary>
    Unknown,

    /// <summary>Whole numbers.</summary>
    Integer,

    /// <summary>Numbers.</summary>
    Number,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>Days.</summary>
    Date,

    /// <summary>Points in time.</summary>
    Timestamp,

    /// <summary>Times of a day.</summary>
    Time,

    /// <summary>One of few different texts.</summary>
    Category,

    /// <summary>Free text.</summary>
    Text,

    /// <summary>Bytes or nested values, which are only counted.</summary>
    Opaque,
}
