using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;
using ParquetSharp;
using ParquetSharp.Schema;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Preview and engine read the same values, whatever wrote the file: types, encodings, codecs, page versions, nesting.</summary>
public sealed class ParquetMatrixTests
{
    private const int Rows = 3000;

    private const string Types = """
        SELECT i AS id, (i % 100)::TINYINT AS i8, i::SMALLINT AS i16, -i::INTEGER AS i32, i * 1000000007 AS i64, (i % 200)::UTINYINT AS u8, i::USMALLINT AS u16, i::UINTEGER AS u32,
            18446744073709551615 - i::HUGEINT AS huge_as_double, (18446744073709551615 - i::HUGEINT)::UBIGINT AS u64, (i / 3)::FLOAT AS f32, CASE i % 5 WHEN 0 THEN 'nan' WHEN 1 THEN 'infinity'
                WHEN 2 THEN '-infinity' WHEN 3 THEN '-0.0' ELSE (i / 7)::VARCHAR END::DOUBLE AS f64,
            i % 3 = 0 AS flag, (i % 90 / 7)::DECIMAL(4, 2) AS d4, (i / 100)::DECIMAL(9, 3) AS d9, (i * 1000.0001)::DECIMAL(18, 4) AS d18, (i * 12345678901234567890.5)::DECIMAL(38, 6) AS d38,
            DATE '2024-01-01' + i::INTEGER AS day, DATE '-4712-01-01' + i::INTEGER AS early, DATE '99999-12-01' + i::INTEGER AS late, TIMESTAMP '2024-01-01 00:00:00' + to_microseconds(i * 123456789) AS us,
            TIMESTAMP_S '2024-01-01 00:00:00' AS s, TIMESTAMP_MS '1969-12-31 23:59:59.999' AS ms, make_timestamp_ns(1704067200000000000 + i) AS ns,
            TIMESTAMPTZ '2024-06-01 12:00:00+02' AS tz, TIMESTAMP '12000-01-01 01:02:03' AS far, TIME '10:00:00' + to_microseconds(i) AS tod,
            to_months(i::INTEGER) + to_days((i % 40)::INTEGER) + to_milliseconds(i) AS span, CASE WHEN i % 7 = 0 THEN NULL ELSE 'text ' || i % 50 END AS txt, '中文 ' || chr(128512) AS uni,
            ('id-' || i)::BLOB || '\xFF\x00'::BLOB AS raw, md5(i::VARCHAR)::UUID AS uid, ('{"a": ' || i || '}')::JSON AS js
        FROM range(@rows) t(i)
        """;

    private const string Nested = """
        SELECT i AS id, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN [] ELSE [i, NULL, i + 1] END AS ints, [[i], NULL, [NULL, i]] AS lists, {'a': i, 'b': 'x"y' || i, 'c': NULL::INTEGER} AS st,
            MAP {'k' || i: i, 'l': NULL} AS mp, [{'d': DATE '2024-01-01' + i::INTEGER, 'v': [1.5::DECIMAL(10, 2), i / 4]}] AS deep, [TIMESTAMP '2024-01-01 00:00:00' + to_seconds(i)] AS times,
            [TIME '10:00:00'] AS tods, [i % 2 = 0] AS flags, [(i / 3)::DOUBLE, 1e20, 1e-7, i::DOUBLE] AS doubles, ['a\x01b'::BLOB] AS blobs
        FROM range(@rows) t(i)
        """;

    public static TheoryData<string, string> Writers()
    {
        var data = new TheoryData<string, string>();
        foreach (var codec in (string[])["uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"])
        {
            foreach (var version in (string[])["v1", "v2"])
            {
                data.Add(codec, version);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Writers))]
    public async Task Every_type_that_DuckDB_writes_is_read_the_same_way_twice(string codec, string version)
    {
        var file = await DuckDbFiles.WriteAsync(Types.Replace("@rows", $"{Rows}", StringComparison.Ordinal), $", COMPRESSION {codec}, PARQUET_VERSION {version}, ROW_GROUP_SIZE 2048");
        await CompareAsync(file, Rows);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    public async Task Nested_values_are_read_the_same_way_twice(string version)
        => await CompareAsync(await DuckDbFiles.WriteAsync(Nested.Replace("@rows", $"{Rows}", StringComparison.Ordinal), $", PARQUET_VERSION {version}"), Rows);

    public static TheoryData<Encoding, Compression, bool> Encodings()
    {
        var data = new TheoryData<Encoding, Compression, bool>();
        foreach (var encoding in (Encoding[])[Encoding.Plain, Encoding.PlainDictionary, Encoding.DeltaBinaryPacked, Encoding.DeltaByteArray, Encoding.DeltaLengthByteArray, Encoding.ByteStreamSplit, Encoding.Rle])
        {
            data.Add(encoding, Compression.Snappy, true);
            data.Add(encoding, Compression.Uncompressed, false);
        }

        return data;
    }

    // Pages of a kilobyte: every chunk has many, and values cross them.
    [Theory]
    [MemberData(nameof(Encodings))]
    public async Task Every_encoding_that_Arrow_writes_is_read_the_same_way_twice(Encoding encoding, Compression compression, bool hasSecondVersion)
        => await CompareAsync(ArrowFiles.Write(Rows, encoding, compression, hasSecondVersion), Rows);

    [Theory]
    [InlineData("w_bool2.parquet", "b", "True", "False")]
    [InlineData("v2_date.parquet", "dt", "2020-01-01", "2020-01-02")]
    [InlineData("x_dec.parquet", "amt", "1234567890123456.78", "1234567890123456.7801")]
    public async Task Files_of_other_writers_have_their_values(string sample, string column, string first, string second)
    {
        var file = await DuckDbFiles.SampleAsync(sample);
        var found = await TablePreview.FirstAsync(new MemorySource(file), FileFormat.Parquet, 2, CancellationToken.None);
        Assert.Equal((column, first, second), (found.Columns[0].Name, $"{found.Rows[0].Values[0]}", $"{found.Rows[1].Values[0]}"));
        await CompareAsync(file, (int)found.TotalRows!);
    }

    [Fact]
    public async Task A_column_that_cannot_be_read_costs_itself_only_and_is_named()
    {
        var file = await DuckDbFiles.WriteAsync("SELECT i AS id, repeat(i::VARCHAR, 20) AS broken, i * 2 AS other FROM range(1000) t(i)", ", COMPRESSION uncompressed");
        var at = file.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("7", 20))));
        // The length before a text.
        file.AsSpan(at - 4, 4).Fill(0x7F);
        var source = new MemorySource(file);
        var preview = await TablePreview.FirstAsync(source, FileFormat.Parquet, 1000, CancellationToken.None);
        Assert.Equal(1000, preview.Rows.Count);
        Assert.All(preview.Rows, static row => Assert.Equal((row.Number - 1, null, (row.Number - 1) * 2), (row.Values[0], row.Values[1], row.Values[2])));
        Assert.Contains("“broken”", Assert.Single(preview.Issues, static issue => issue.Code == DataErrors.ColumnUnreadable).Message, StringComparison.Ordinal);
        var table = await TableStatistics.ComputeAsync(Engines.Shared, "t", source, FileFormat.Parquet, CancellationToken.None);
        Assert.Equal([1000L, 0, 1000], table.Columns.Select(static column => column.Distinct));
        Assert.Contains("“broken”", Assert.Single(table.Issues, static issue => issue.Code == DataErrors.ColumnUnreadable).Message, StringComparison.Ordinal);
        Assert.Equal(0, table.Duplicates);
    }

    // DuckDB does not know this encoding for integers.
    [Fact]
    public async Task A_column_that_only_the_engine_cannot_read_costs_itself_only_there()
    {
        var file = new MemorySource(ArrowFiles.Write(Rows, Encoding.ByteStreamSplit, Compression.Snappy, true, splitsIntegers: true));
        Assert.Empty((await TablePreview.FirstAsync(file, FileFormat.Parquet, 10, CancellationToken.None)).Issues);
        var found = await TablePreview.FilteredAsync(Engines.Shared, file, FileFormat.Parquet, "i32 > 0", 10, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.Equal(10, found.Rows.Count);
        string[] broken = ["i64", "us", "ns", "dec"];
        Assert.Equal(broken.Select(static name => $"The column “{name}” cannot be read."), found.Issues.Select(static issue => issue.Message));
        var diff = await RowDiffer.CompareAsync(Engines.Shared, (file, FileFormat.Parquet), (file, FileFormat.Parquet), ["i32"], 10, CancellationToken.None);
        Assert.Equal(0, diff.Changed);
        Assert.DoesNotContain("i64", diff.Columns);
        Assert.Contains("f64", diff.Columns);
        var table = await TableStatistics.ComputeAsync(Engines.Shared, "t", file, FileFormat.Parquet, CancellationToken.None);
        Assert.Equal(broken.Length, table.IssueCount);
        Assert.All(table.Columns.Where(column => !broken.Contains(column.Name)), static column => Assert.InRange(column.Distinct, 2, Rows));
    }

    [Fact]
    public async Task Infinite_values_are_there_and_times_of_day_are_times()
    {
        var file = await DuckDbFiles.WriteAsync("SELECT CASE WHEN i < 10 THEN 'infinity'::DOUBLE WHEN i < 15 THEN 'nan'::DOUBLE ELSE i END AS f, TIME '10:00:00' + to_seconds(i) AS tod FROM range(100) t(i)");
        var table = await TableStatistics.ComputeAsync(Engines.Shared, "t", new MemorySource(file), FileFormat.Parquet, CancellationToken.None);
        Assert.Equal((5L, 86L, 10L, 99d), (table.Columns[0].Missing, table.Columns[0].Distinct, table.Columns[0].Numeric!.Infinite, table.Columns[0].Numeric!.Max));
        Assert.Equal((ColumnType.Time, "10:00:00"), (table.Columns[1].Type, table.Columns[1].Top[0].Value));
    }

    [Fact]
    public async Task Schema_and_schema_diff_of_any_file_need_only_its_beginning()
    {
        var file = await DuckDbFiles.WriteAsync(Types.Replace("@rows", "20000", StringComparison.Ordinal), ", ROW_GROUP_SIZE 2048");
        var first = await TableStatistics.OfFirstAsync(Engines.Shared, "t", new MemorySource(file), FileFormat.Parquet, 1000, CancellationToken.None);
        var whole = await TableStatistics.ComputeAsync(Engines.Shared, "t", new MemorySource(file), FileFormat.Parquet, CancellationToken.None);
        Assert.Equal(1000, first.Rows);
        Assert.Equal(whole.Columns.Select(static column => (column.Name, column.Declared)), first.Columns.Select(static column => (column.Name, column.Declared)));
        Assert.Equal((ColumnType.Integer, ColumnType.Number, ColumnType.Boolean, ColumnType.Date), (Type(first, "i64"), Type(first, "f64"), Type(first, "flag"), Type(first, "day")));
        Assert.Empty(first.Issues);
        static ColumnType Type(TableProfile table, string name) => table.Columns.Single(column => column.Name == name).Type;
    }

    // The engine shows rows through a condition that all rows satisfy.
    private static async Task CompareAsync(byte[] file, int rows)
    {
        var preview = await TablePreview.FirstAsync(new MemorySource(file), FileFormat.Parquet, rows, CancellationToken.None);
        Assert.Empty(preview.Issues);
        var name = preview.Columns[0].Name;
        var engine = await TablePreview.FilteredAsync(
            Engines.Shared, new MemorySource(file), FileFormat.Parquet, $"{name} is null or {name} is not null", rows + 1, TimeSpan.FromMinutes(1), CancellationToken.None);
        Assert.Equal(rows, preview.Rows.Count);
        Assert.Equal(rows, engine.Rows.Count);
        Assert.Equal(preview.Columns, engine.Columns);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < preview.Columns.Count; column++)
            {
                var (left, right) = (preview.Rows[row].Values[column], engine.Rows[row].Values[column]);
                Assert.True(Equals(left, right), $"{preview.Columns[column].Name}, row {row}: preview {left ?? "null"} ({left?.GetType().Name}), engine {right ?? "null"} ({right?.GetType().Name})");
            }
        }
    }
}
