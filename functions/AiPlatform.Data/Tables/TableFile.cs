using AiPlatform.Data.Parquet;
using AiPlatform.Data.Sources;

namespace AiPlatform.Data.Tables;

/// <summary>Opens tables.</summary>
public static class TableFile
{
    /// <summary>Opens a table; what it needs to know its columns is read.</summary>
    /// <exception cref="DataFormatException">It is no table of this format.</exception>
    public static async Task<TableReader> OpenAsync(IByteSource source, TableFormat format, CancellationToken cancellationToken)
    {
        var options = format.Options ?? ReadOptions.Detect;
        return format.Format switch
        {
            FileFormat.Csv => await CsvReader.OpenAsync(source, null, options, cancellationToken).ConfigureAwait(false),
            FileFormat.Tsv => await CsvReader.OpenAsync(source, '\t', options, cancellationToken).ConfigureAwait(false),
            FileFormat.JsonLines => await JsonLinesReader.OpenAsync(source, options, cancellationToken).ConfigureAwait(false),
            FileFormat.Text => await TextLinesReader.OpenAsync(source, options, cancellationToken).ConfigureAwait(false),
            FileFormat.Parquet => await ParquetTable.OpenAsync(source, cancellationToken).ConfigureAwait(false),
            FileFormat.Other or FileFormat.Image => throw new DataFormatException(DataErrors.Unsupported, $"{format.Format} is no table."),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown format."),
        };
    }
}
