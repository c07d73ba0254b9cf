using Parquet;
using Parquet.Schema;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Generates Parquet files.</summary>
internal static class ParquetFiles
{
    /// <summary>A file with a column of each kind; row i of all rows holds values made of i.</summary>
    public static async Task<byte[]> CreateAsync(int rows, int groupRows)
    {
        var fields = new DataField[]
        {
            new("id", typeof(long), false), new("amount", typeof(double), true), new("name", typeof(string), true), new("ok", typeof(bool), true),
            new("at", typeof(DateTime), true), new("code", typeof(int), false), new("raw", typeof(byte[]), true),
        };
        using var file = new MemoryStream();
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), file))
        {
            for (var first = 0; first < rows; first += groupRows)
            {
                var range = Enumerable.Range(first, Math.Min(groupRows, rows - first)).ToArray();
                using var group = writer.CreateRowGroup();
                await group.WriteAsync<long>(fields[0], range.Select(static i => (long)i).ToArray());
                await group.WriteAsync<double>(fields[1], range.Select(Amount).ToArray());
                await group.WriteAsync(fields[2], range.Select(Name).ToArray()!);
                await group.WriteAsync<bool>(fields[3], range.Select(static i => i % 5 == 0 ? (bool?)null : i % 2 == 0).ToArray());
                await group.WriteAsync<DateTime>(fields[4], range.Select(static i => (DateTime?)At(i)).ToArray());
                await group.WriteAsync<int>(fields[5], range.Select(static i => i % 10).ToArray());
                await group.WriteAsync(fields[6], range.Select(static i => new byte[i % 3]).ToArray());
                group.CompleteValidate();
            }
        }

        return file.ToArray();
    }

    public static double? Amount(int row) => row % 7 == 0 ? null : row * 0.25;

    public static string? Name(int row) => row % 11 == 0 ? null : $"name {row % 50}";

    public static DateTime At(int row) => new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddMinutes(row);
}
