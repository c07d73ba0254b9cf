using System.Globalization;
using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;
using CsCheck;

namespace AiPlatform.Tests.DataFiles;

public sealed class ParquetPreviewTests
{
    [Fact]
    public async Task Every_value_of_every_row_group_is_read()
    {
        var found = await FirstAsync(await ParquetFiles.CreateAsync(2500, 1000), 2500);
        Assert.Equal(["id", "amount", "name", "ok", "at", "code", "raw"], found.Columns.Select(static column => column.Name));
        Assert.Equal(2500, found.Rows.Count);
        for (var i = 0; i < found.Rows.Count; i++)
        {
            var row = found.Rows[i].Values;
            Assert.Equal(
                [(long)i, ParquetFiles.Amount(i), ParquetFiles.Name(i), i % 5 == 0 ? null : i % 2 == 0, (long)(i % 10), string.Concat(Enumerable.Repeat("\\x00", i % 3))],
                new[] { row[0], row[1], row[2], row[3], row[5], row[6] });
            Assert.StartsWith(ParquetFiles.At(i).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), (string)row[4]!, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_first_rows_are_read_without_the_rest()
    {
        var source = new CountingSource(new MemorySource(await ParquetFiles.CreateAsync(400_000, 100_000)));
        var found = await TablePreview.FirstAsync(source, FileFormat.Parquet, 20, CancellationToken.None);
        Assert.Equal((20, 400_000L), (found.Rows.Count, found.TotalRows));
        Assert.Equal(Enumerable.Range(1, 20).Select(static i => (long?)i), found.Rows.Select(static row => row.Number));
        Assert.True(source.BytesRead < source.Length / 2, $"{source.BytesRead} of {source.Length} bytes were read.");
    }

    [Fact]
    public async Task Random_rows_come_from_several_row_groups()
    {
        var source = new MemorySource(await ParquetFiles.CreateAsync(40_000, 5_000));
        var found = await TablePreview.RandomAsync(Engines.Shared, source, FileFormat.Parquet, 40, 7, CancellationToken.None);
        Assert.Equal(40, found.Rows.Count);
        Assert.True(found.Rows.Select(static row => row.Number / 5_000).Distinct().Count() >= 3);
        Assert.All(found.Rows, static row => Assert.Equal(row.Number - 1, row.Values[0]));
    }

    [Fact]
    public async Task Random_rows_of_a_large_file_come_from_several_places_without_the_whole_of_it()
    {
        var source = new CountingSource(new MemorySource(await ParquetFiles.CreateAsync(400_000, 50_000)));
        var found = await TablePreview.RandomAsync(Engines.Shared, source, FileFormat.Parquet, 40, 7, CancellationToken.None, stagedBytes: 0);
        Assert.Equal(40, found.Rows.Count);
        Assert.True(found.Rows.Select(static row => row.Number / 50_000).Distinct().Count() >= 3);
        Assert.All(found.Rows, static row => Assert.Equal(row.Number - 1, row.Values[0]));
        Assert.True(source.BytesRead < 0.75 * source.Length, $"{source.BytesRead} bytes were read.");
    }

    [Fact]
    public async Task A_file_cut_off_anywhere_is_refused_clearly()
    {
        var file = await ParquetFiles.CreateAsync(500, 200);
        for (var length = 0; length < file.Length; length += 97)
        {
            var cut = file.AsMemory(0, length);
            var expected = length switch { 0 => DataErrors.Empty, < 4 => DataErrors.ParquetCorrupt, _ => DataErrors.Truncated };
            Assert.Equal(expected, (await Assert.ThrowsAsync<DataFormatException>(() => TablePreview.FirstAsync(new MemorySource(cut), FileFormat.Parquet, 10, CancellationToken.None))).Code);
            Assert.Equal(expected, (await Assert.ThrowsAsync<DataFormatException>(() => FilterAsync(new MemorySource(cut)))).Code);
        }
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task Bytes_that_are_changed_give_data_or_a_clear_error_and_never_anything_else()
    {
        var file = await ParquetFiles.CreateAsync(300, 100);
        Gen.Select(Gen.Int[0, file.Length - 9], Gen.Byte).Sample(change =>
        {
            var broken = file.ToArray();
            broken[change.Item1] ^= (byte)(change.Item2 | 1);
            return IsClear(() => FirstAsync(broken, 300)) && IsClear(() => FilterAsync(new MemorySource(broken)));
        }, iter: 300, threads: 1);
    }

    [Fact]
    public async Task Something_else_is_no_parquet()
        => Assert.Equal(DataErrors.ParquetCorrupt, (await Assert.ThrowsAsync<DataFormatException>(() => FirstAsync("id,name\n1,x\n2,y\n"u8.ToArray(), 5))).Code);

    private static Task<TableRows> FirstAsync(byte[] file, int rows) => TablePreview.FirstAsync(new MemorySource(file), FileFormat.Parquet, rows, CancellationToken.None);

    private static Task<TableRows> FilterAsync(IByteSource source)
        => TablePreview.FilteredAsync(Engines.Shared, source, FileFormat.Parquet, "id >= 0 and name is not null", 1000, TimeSpan.FromMinutes(1), CancellationToken.None);

    private static bool IsClear(Func<Task<TableRows>> read)
    {
        try
        {
            read().GetAwaiter().GetResult();
            return true;
        }
        catch (DataFormatException exception)
        {
            return DataErrors.All.Contains(exception.Code) && !exception.Message.Contains('/', StringComparison.Ordinal);
        }
        catch (FilterException)
        {
            // The byte was in a column's name.
            return true;
        }
    }

    private sealed class CountingSource(IByteSource inner) : IByteSource
    {
        public long BytesRead { get; private set; }

        public long Length => inner.Length;

        public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
        {
            var read = await inner.ReadAsync(offset, buffer, cancellationToken);
            BytesRead += read;
            return read;
        }
    }
}
