namespace AiPlatform.DataFiles.Tables;

/// <summary>Finds out what a file is.</summary>
public static class FileFormats
{
    /// <summary>The format that a file's name promises.</summary>
    public static FileFormat Of(string path)
    {
        var dot = path.LastIndexOf('.');
        return dot < 0
            ? FileFormat.Other
            : path[(dot + 1)..].ToLowerInvariant() switch
            {
                "csv" => FileFormat.Csv,
                "tsv" or "tab" => FileFormat.Tsv,
                "jsonl" or "ndjson" => FileFormat.JsonLines,
                "parquet" or "pq" => FileFormat.Parquet,
                "txt" or "text" or "md" => FileFormat.Text,
                "png" or "jpg" or "jpeg" or "gif" or "webp" or "bmp" or "tif" or "tiff" => FileFormat.Image,
                _ => FileFormat.Other,
            };
    }

    /// <summary>Whether files of this format are read as tables.</summary>
    public static bool IsTable(this FileFormat format) => format is FileFormat.Csv or FileFormat.Tsv or FileFormat.JsonLines or FileFormat.Parquet or FileFormat.Text;
}
