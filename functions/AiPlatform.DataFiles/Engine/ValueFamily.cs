namespace AiPlatform.DataFiles.Engine;

/// <summary>What values of the engine's types have in common.</summary>
internal enum ValueFamily
{
    /// <summary>Integers of up to 64 bits with a sign.</summary>
    Integer,

    /// <summary>Larger integers.</summary>
    BigInteger,

    /// <summary>Decimal numbers of fixed scale.</summary>
    Decimal,

    /// <summary>Floating-point numbers.</summary>
    Float,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>Days.</summary>
    Date,

    /// <summary>Points in time.</summary>
    Timestamp,

    /// <summary>Times of a day.</summary>
    Time,

    /// <summary>Spans of time.</summary>
    Interval,

    /// <summary>Texts.</summary>
    Text,

    /// <summary>Bytes.</summary>
    Binary,

    /// <summary>Lists, structs, maps, variants.</summary>
    Nested,
}
