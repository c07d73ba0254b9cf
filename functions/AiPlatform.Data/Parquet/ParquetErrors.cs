namespace AiPlatform.Data.Parquet;

/// <summary>Turns whatever the decoder throws at a broken file into one clear error; an array of impossible size is one of these.</summary>
internal static class ParquetErrors
{
    /// <summary>Runs decoding; it must not fetch anything, so that no failure of the network is taken for a broken file.</summary>
    public static async Task<T> GuardAsync<T>(Func<Task<T>> decode)
    {
        try
        {
            return await decode().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or DataFormatException))
        {
            throw new DataFormatException(DataErrors.ParquetCorrupt, $"The file cannot be decoded: {exception.Message}", null, exception);
        }
    }
}
