namespace AiPlatform.DataFiles.Tables;

/// <summary>How a file is read: its format, and what is told about it instead of found out.</summary>
/// <param name="Format">By its name.</param>
/// <param name="Options">Null where everything is found out.</param>
public readonly record struct TableFormat(FileFormat Format, ReadOptions? Options = null)
{
    /// <summary>A format about which nothing else is told.</summary>
    public static implicit operator TableFormat(FileFormat format) => FromFileFormat(format);

    /// <summary>A format about which nothing else is told.</summary>
    public static TableFormat FromFileFormat(FileFormat format) => new(format);
}
