using AiPlatform.Data;
using AiPlatform.Data.Parquet;
using AiPlatform.Data.Preview;
using AiPlatform.Data.Sources;
using AiPlatform.Data.Tables;
using CsCheck;

namespace AiPlatform.Tests.DataFiles;

public sealed class ParquetTableTests
{
    [Fact]
    public async Task Every_value_of_every_row_group_is_read()
    {
        var file = new MemorySource(await ParquetFiles.CreateAsync(2500, 1000));
        var (columns, rows, _) = await Tables.ReadAsync(file, FileFormat.Parquet);
        Assert.Equal(["id", "amount", "name", "ok", "at", "code", "raw"], columns);
        Assert.Equal(2500, rows.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            Assert.Equal(
                [(long)i, ParquetFiles.Amount(i), ParquetFiles.Name(i), i % 5 == 0 ? null : i % 2 == 0, (long)(i % 10), $"({i % 3} bytes)"],
                new[] { rows[i][0], rows[i][1], rows[i][2], rows[i][3], rows[i][5], rows[i][6] });
            Assert.StartsWith(ParquetFiles.At(i).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), (string)rows[i][4]!, StringComparison.Ordinal);
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
        var found = await TablePreview.RandomAsync(source, FileFormat.Parquet, 40, 7, CancellationToken.None);
        Assert.Equal(40, found.Rows.Count);
        Assert.True(found.Rows.Select(static row => row.Number / 5_000).Distinct().Count() >= 3);
        Assert.All(found.Rows, static row => Assert.Equal(row.Number - 1, row.Values[0]));
    }

    [Fact]
    public async Task A_file_cut_off_anywhere_is_refused_clearly()
    {
        var file = await ParquetFiles.CreateAsync(500, 200);
        for (var length = 0; length < file.Length; length += 97)
        {
            var exception = await Assert.ThrowsAsync<DataFormatException>(() => Tables.ReadAsync(new MemorySource(file.AsMemory(0, length)), FileFormat.Parquet));
            Assert.Equal(length switch { 0 => DataErrors.Empty, < 4 => DataErrors.ParquetCorrupt, _ => DataErrors.Truncated }, exception.Code);
        }
    }

    [Fact]
    public async Task Bytes_that_are_changed_give_data_or_a_clear_error_and_never_anything_else()
    {
        var file = await ParquetFiles.CreateAsync(300, 100);
        Gen.Select(Gen.Int[0, file.Length - 9], Gen.Byte).Sample(change =>
        {
            var broken = file.ToArray();
            broken[change.Item1] ^= (byte)(change.Item2 | 1);
            try
            {
                Tables.ReadAsync(new MemorySource(broken), FileFormat.Parquet).GetAwaiter().GetResult();
                return true;
            }
            catch (DataFormatException exception)
            {
                return DataErrors.All.Contains(exception.Code);
            }
        }, iter: 400, threads: 1);
    }

    [Fact]
    public async Task Something_else_is_no_parquet()
        => Assert.Equal(
            DataErrors.ParquetCorrupt,
            (await Assert.ThrowsAsync<DataFormatException>(() => Tables.ReadAsync(Tables.Source("id,name\n1,x\n2,y\n"), FileFormat.Parquet))).Code);

    [Theory]
    [InlineData(new byte[] { 0x15, 0x00, 0x15, 0x14, 0x15, 0x10, 0x2C, 0x15, 0x06, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00 }, 3)]
    public void A_page_header_is_read(byte[] bytes, int values)
    {
        var header = PageHeader.TryRead(bytes)!.Value;
        Assert.Equal((false, values, 10, 8, bytes.Length), (header.IsDictionary, header.Values, header.UncompressedBytes, header.CompressedBytes, header.HeaderBytes));
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Null(PageHeader.TryRead(bytes.AsSpan(0, length)));
        }
    }

    [Fact]
    public void No_bytes_make_the_page_header_reader_fail_otherwise()
        => Gen.Byte.Array[0, 60].Sample(static bytes =>
        {
            try
            {
                return PageHeader.TryRead(bytes) is null or { CompressedBytes: >= 0, Values: >= 0 };
            }
            catch (DataFormatException)
            {
                return true;
            }
        }, iter: 20_000);

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
