using AiPlatform.DataFiles.Sources;

namespace AiPlatform.DataFiles.Tables;

/// <summary>Opens tables that are text; Parquet is read by its own means.</summary>
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
            FileFormat.Parquet or FileFormat.Other or FileFormat.Image => throw new DataFormatException(DataErrors.Unsupported, $"{format.Format} is no text table."),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown format."),
        };
    }
}
