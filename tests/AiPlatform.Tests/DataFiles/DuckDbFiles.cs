using DuckDB.NET.Data;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Parquet written by DuckDB.</summary>
internal static class DuckDbFiles
{
    /// <summary>The rows of a query as Parquet.</summary>
    /// <param name="options">Further options of COPY.</param>
    public static async Task<byte[]> WriteAsync(string query, string options = "")
    {
        var path = Path.Combine(Path.GetTempPath(), $"aip-{Guid.NewGuid():N}.parquet");
        try
        {
            await using var connection = new DuckDBConnection("DataSource=:memory:");
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = $"COPY ({query}) TO '{path}' (FORMAT parquet{options})";
            await command.ExecuteNonQueryAsync();
            return await File.ReadAllBytesAsync(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>A file beside the tests.</summary>
    public static Task<byte[]> SampleAsync(string name) => File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "DataFiles", "Samples", name));
}
