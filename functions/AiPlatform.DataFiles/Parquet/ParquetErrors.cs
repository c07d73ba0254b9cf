namespace AiPlatform.DataFiles.Parquet;

/// <summary>Turns whatever the library throws at a broken file into one clear error.</summary>
internal static class ParquetErrors
{
    /// <summary>Runs decoding.</summary>
    /// <exception cref="DataFormatException">The file cannot be decoded.</exception>
    public static T Guard<T>(Func<T> decode)
    {
        try
        {
            return decode();
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or DataFormatException))
        {
            throw new DataFormatException(DataErrors.ParquetCorrupt, "The file cannot be decoded.", null, exception);
        }
    }
}
