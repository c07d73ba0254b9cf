namespace AiPlatform.Operations.Lineage;

/// <summary>Which way to go.</summary>
internal enum LineageDirection
{
    /// <summary>Both.</summary>
    Both,

    /// <summary>What a thing came from.</summary>
    Upstream,

    /// <summary>What came from it.</summary>
    Downstream,
}
