namespace AiPlatform.DataFiles;

/// <summary>Stable codes of what can be wrong with content.</summary>
public static class DataErrors
{
    /// <summary>A quote where none may be, or a quoted field that does not end.</summary>
    public const string CsvQuote = "csv_quote";

    /// <summary>A record has more or fewer fields than the header.</summary>
    public const string CsvColumns = "csv_columns";

    /// <summary>A record is longer than any sensible record.</summary>
    public const string RecordTooLong = "record_too_long";

    /// <summary>Bytes that are not text in the file's encoding: the file mixes encodings or is no text.</summary>
    public const string EncodingMixed = "encoding_mixed";

    /// <summary>A line is not a JSON object.</summary>
    public const string JsonLine = "json_line";

    /// <summary>The file has more columns than are read.</summary>
    public const string TooManyColumns = "too_many_columns";

    /// <summary>The file ends before its content does.</summary>
    public const string Truncated = "truncated";

    /// <summary>The structure of a Parquet file is broken.</summary>
    public const string ParquetCorrupt = "parquet_corrupt";

    /// <summary>The content of a file that was opened cannot be decoded.</summary>
    public const string DataCorrupt = "data_corrupt";

    /// <summary>The file has no content.</summary>
    public const string Empty = "empty_file";

    /// <summary>The format is none that can be read.</summary>
    public const string Unsupported = "unsupported_format";

    /// <summary>The structure of an image is broken.</summary>
    public const string ImageCorrupt = "image_corrupt";

    /// <summary>The bytes are of another type than the name says.</summary>
    public const string ImageType = "image_type";

    /// <summary>One column of a file cannot be read; the others can.</summary>
    public const string ColumnUnreadable = "column_unreadable";

    /// <summary>A query took longer than it may.</summary>
    public const string QueryTime = "query_time";

    /// <summary>A query needs more memory than it may have.</summary>
    public const string QueryMemory = "query_memory";

    /// <summary>A query, or the files it reads, need more disk than they may have.</summary>
    public const string QueryDisk = "query_disk";

    /// <summary>Every code.</summary>
    public static IReadOnlyList<string> All { get; } =
        [
            CsvQuote, CsvColumns, RecordTooLong, EncodingMixed, JsonLine, Truncated, ParquetCorrupt, DataCorrupt, Empty, Unsupported, ImageCorrupt, ImageType, ColumnUnreadable,
            QueryTime, QueryMemory, QueryDisk, TooManyColumns,
        ];
}
