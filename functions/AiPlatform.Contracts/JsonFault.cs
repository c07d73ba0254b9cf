namespace AiPlatform.Contracts;

/// <summary>Why JSON cannot be stored.</summary>
public enum JsonFault
{
    /// <summary>It can.</summary>
    None,

    /// <summary>It is larger than allowed.</summary>
    Size,

    /// <summary>It is nested more deeply than <see cref="StorableJson.MaxDepth"/>.</summary>
    Depth,

    /// <summary>A text or a name has the character NUL, which no database text holds.</summary>
    Nul,

    /// <summary>A text or a name has half of a surrogate pair, which is no character.</summary>
    Surrogate,

    /// <summary>A number is beyond the range of a double.</summary>
    Number,
}
