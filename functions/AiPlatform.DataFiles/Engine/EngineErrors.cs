using DuckDB.NET.Data;

namespace AiPlatform.DataFiles.Engine;

/// <summary>Turns the engine's errors into ours. Its messages name files of ours: they go to logs as the inner exception and nowhere else.</summary>
internal static class EngineErrors
{
    // A statement that the engine does not understand is ours, whatever file it was for. The driver has no kind of error for what
    // fails before it runs: only the text says it.
    private static readonly string[] Faults = ["Parser Error:", "Binder Error:", "Catalog Error:", "Planner Error:", "Mismatch Type Error:", "Parameter Not Resolved Error:", "Parameter Not Allowed Error:"];

    /// <summary>Our error for one of the engine's: a <see cref="DataFormatException"/> where the data or a bound is to blame.</summary>
    public static Exception Translate(DuckDBException exception)
    {
        var text = exception.Message;
        if (Array.Exists(Faults, fault => text.StartsWith(fault, StringComparison.Ordinal)))
        {
            return new InvalidOperationException("The engine refused a statement of ours.", exception);
        }

        bool Says(string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);
        var (code, message) = Says("max_temp_directory_size") || Says("No space left")
            ? (DataErrors.QueryDisk, "The query needs more disk than it may have.")
            : Says("Out of Memory") || Says("failed to allocate") ? (DataErrors.QueryMemory, "The query needs more memory than it may have.")
            : Says("INTERRUPT") ? (DataErrors.QueryTime, "The query was ended.")
            : (DataErrors.DataCorrupt, "The data cannot be decoded.");
        return new DataFormatException(code, message, null, exception);
    }
}
