namespace AiPlatform.DataFiles.Tables;

/// <summary>What a file is, by its name.</summary>
public enum FileFormat
{
    /// <summary>None that is looked into.</summary>
    Other,

    /// <summary>Separated values; the separator is found out.</summary>
    Csv,

    /// <summary>Values separated by tabs.</summary>
    Tsv,

    /// <summary>One JSON object in each line.</summary>
    JsonLines,

    /// <summary>Apache Parquet.</summary>
    Parquet,

    /// <summary>Lines of text.</summary>
    Text,

    /// <summary>An image.</summary>
    Image,
}
