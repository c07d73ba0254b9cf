using System.Text;
using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;
using CsCheck;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Short ways to tables in memory.</summary>
internal static class Tables
{
    /// <summary>One of a few values.</summary>
    public static Gen<T> Pick<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(index => values[index]);

    public static MemorySource Source(string text, Encoding? encoding = null) => new((encoding ?? new UTF8Encoding(false)).GetBytes(text));

    /// <summary>Reads a whole table.</summary>
    public static async Task<(string[] Columns, List<object?[]> Rows, DataIssues Issues)> ReadAsync(IByteSource source, FileFormat format)
    {
        using var reader = await TableFile.OpenAsync(source, format, CancellationToken.None);
        var rows = new List<object?[]>();
        while (await reader.NextAsync(CancellationToken.None) is { } chunk)
        {
            Assert.Equal(rows.Count, chunk.FirstRow);
            var values = new object?[chunk.Count][];
            for (var row = 0; row < chunk.Count; row++)
            {
                values[row] = new object?[reader.Columns.Count];
            }

            for (var column = 0; column < reader.Columns.Count; column++)
            {
                var vector = await chunk.ReadAsync(column, CancellationToken.None);
                for (var row = 0; row < chunk.Count; row++)
                {
                    values[row][column] = vector.Value(row);
                }
            }

            rows.AddRange(values);
        }

        return ([.. reader.Columns.Select(static column => column.Name)], rows, reader.Issues);
    }

    public static Task<(string[] Columns, List<object?[]> Rows, DataIssues Issues)> CsvAsync(string text, Encoding? encoding = null) => ReadAsync(Source(text, encoding), FileFormat.Csv);
}
