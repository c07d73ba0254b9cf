using System.Text;
using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Tests.DataFiles;

/// <summary>A statement of ours that the engine refuses is a fault of ours; what it says of data is an error of the data.</summary>
public sealed class EngineErrorTests
{
    [Theory]
    [InlineData("SELEC 1")]
    [InlineData("SELECT nothing FROM range(1)")]
    [InlineData("SELECT * FROM nowhere")]
    [InlineData("SELECT no_such_function(1)")]
    public async Task A_statement_that_the_engine_does_not_understand_is_no_corrupt_file(string sql)
    {
        using var session = await Engines.Shared.OpenAsync(CancellationToken.None);
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => session.ExecuteAsync(sql, CancellationToken.None));
        Assert.NotNull(exception.InnerException);
    }

    [Theory]
    [InlineData("SELECT 'a'::INTEGER")]
    [InlineData("SELECT regexp_matches('a', '(')")]
    [InlineData("SELECT 9223372036854775807 + i FROM range(1, 2) t(i)")]
    public async Task What_is_wrong_with_values_is_said_of_the_data_and_not_of_Parquet(string sql)
    {
        using var session = await Engines.Shared.OpenAsync(CancellationToken.None);
        var exception = await Assert.ThrowsAsync<DataFormatException>(() => session.ExecuteAsync(sql, CancellationToken.None));
        Assert.Equal(DataErrors.DataCorrupt, exception.Code);
    }

    // 1.7 KB with 400 columns needed more memory than a session has.
    [Theory]
    [InlineData(400)]
    [InlineData(3000)]
    public async Task A_table_with_very_many_columns_can_be_filtered_and_sampled(int columns)
    {
        var text = new StringBuilder().AppendJoin(',', Enumerable.Range(0, columns).Select(static column => $"c{column}")).Append('\n');
        for (var row = 0; row < 12; row++)
        {
            text.AppendJoin(',', Enumerable.Range(0, columns).Select(column => $"{row * column}")).Append('\n');
        }

        var source = Tables.Source(text.ToString());
        var found = await TablePreview.FilteredAsync(Engines.Shared, source, FileFormat.Csv, "c1 >= 3 and c2 < 14", 3, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.Equal([4L, 5, 6], found.Rows.Select(static row => row.Number));
        Assert.Equal($"{3 * (columns - 1)}", $"{found.Rows[0].Values[^1]}");
        Assert.Equal(columns, found.Rows[0].Values.Count);
    }
}
