using DuckDB.NET.Data;

namespace AiPlatform.Data.Engine;

/// <summary>Turns the engine's errors into ours. Its messages name files of ours: they go to logs as the inner exception and nowhere else.</summary>
internal static class EngineErrors
{
    /// <summary>Our error for one of the engine's.</summary>
    public static DataFormatException Translate(DuckDBException exception)
    {
        var text = exception.Message;
        bool Says(string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);
        var (code, message) = Says("max_temp_directory_size") || Says("No space left")
            ? (DataErrors.QueryDisk, "The query needs more disk than it may have.")
            : Says("Out of Memory") || Says("failed to allocate") ? (DataErrors.QueryMemory, "The query needs more memory than it may have.")
            : Says("INTERRUPT") ? (DataErrors.QueryTime, "The query was ended.")
            : (DataErrors.ParquetCorrupt, "The data cannot be decoded.");
        return new DataFormatException(code, message, null, exception);
    }
}
