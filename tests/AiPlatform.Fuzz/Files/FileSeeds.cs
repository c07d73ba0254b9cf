using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using DuckDB.NET.Data;

namespace AiPlatform.Fuzz.Files;

/// <summary>Files that are as they should be, to begin from: made here, laid beside this program, and those of a folder.</summary>
internal static class FileSeeds
{
    private const int MaxBytes = 100_000;

    private const string Types = """
        SELECT i AS id, i::INTEGER AS i32, (i / 7)::DOUBLE AS f64, i % 2 = 0 AS flag, (i / 100)::DECIMAL(9, 3) AS d9, (i * 12345678901234567890.5)::DECIMAL(38, 6) AS d38,
            DATE '2024-01-01' + i::INTEGER AS day, TIMESTAMP '2024-01-01 00:00:00' + to_microseconds(i * 123456789) AS us, TIME '10:00:00' + to_microseconds(i) AS tod,
            CASE WHEN i % 7 = 0 THEN NULL ELSE 'text ' || i % 5 END AS txt, ('id-' || i)::BLOB AS raw, md5(i::VARCHAR)::UUID AS uid
        FROM range(40) t(i)
        """;

    private const string Nested = """
        SELECT i AS id, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN [] ELSE [i, NULL, i + 1] END AS ints, {'a': i, 'b': 'x"y' || i} AS st, MAP {'k' || i: i} AS mp,
            [{'d': DATE '2024-01-01' + i::INTEGER, 'v': [i / 4]}] AS deep
        FROM range(30) t(i)
        """;

    private static readonly (string Name, string Content)[] Entries =
        [("data.csv", "id,price\n1,100\n2,200\n"), ("empty", ""), ("sub/log.txt", string.Concat(Enumerable.Repeat("line of text\n", 50))), ("中文/文件.txt", "内容")];

    /// <summary>Seeds by kind.</summary>
    /// <param name="folder">Further files; larger ones are left out.</param>
    public static async Task<IReadOnlyDictionary<string, List<byte[]>>> LoadAsync(string? folder)
    {
        var seeds = FileKinds.All.ToDictionary(static kind => kind, static _ => new List<byte[]>(), StringComparer.Ordinal);
        AddTexts(seeds);
        foreach (var (codec, version) in (IEnumerable<(string, string)>)[("uncompressed", "v1"), ("snappy", "v2"), ("gzip", "v1"), ("zstd", "v2"), ("lz4_raw", "v1"), ("brotli", "v2")])
        {
            seeds["parquet"].Add(await ParquetAsync(Types, $"COMPRESSION {codec}, PARQUET_VERSION {version}"));
            seeds["parquet"].Add(await ParquetAsync(Nested, $"COMPRESSION {codec}, PARQUET_VERSION {version}"));
        }

        foreach (var level in (CompressionLevel[])[CompressionLevel.NoCompression, CompressionLevel.Optimal])
        {
            seeds["zip"].Add(Zip(level));
        }

        foreach (var format in (TarEntryFormat[])[TarEntryFormat.Ustar, TarEntryFormat.Pax, TarEntryFormat.Gnu, TarEntryFormat.V7])
        {
            seeds["tar"].Add(Tar(format));
            seeds["tgz"].Add(Gzip(Tar(format)));
        }

        foreach (var path in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Seeds"), "*", SearchOption.AllDirectories).Concat(folder is null ? [] : Directory.EnumerateFiles(folder)))
        {
            if (seeds.TryGetValue(Path.GetExtension(path).TrimStart('.'), out var known) && new FileInfo(path).Length <= MaxBytes)
            {
                known.Add(await File.ReadAllBytesAsync(path));
            }
        }

        return seeds;
    }

    private static void AddTexts(Dictionary<string, List<byte[]>> seeds)
    {
        const string Table = "id,name,price,day,ok\n1,\"a \"\"b\"\", c\",1.5,2024-01-02,true\n2,中文,-2e3,2024-02-29,false\n3,,NaN,13/02/2024,\n4,\"line\nbreak\",9223372036854775808,01/02/2024,yes\n";
        seeds["csv"].AddRange([Text(Table), Text("sep=;\n" + Table.Replace(',', ';')), Text(string.Concat(Enumerable.Repeat(Table, 60))), Encoding.Unicode.GetPreamble().Concat(Encoding.Unicode.GetBytes(Table)).ToArray(), Text("1,2\n3,4\n")]);
        seeds["tsv"].Add(Text(Table.Replace(',', '\t')));
        const string Lines = "{\"id\": 1, \"a\": [1, null, {\"b\": \"x\"}], \"t\": \"2024-01-01T00:00:00Z\"}\n{\"id\": 2.5e3, \"s\": \"\\ud83d\\ude00 \\u00e9\", \"a\": null}\n{\"id\": 12345678901234567890, \"o\": {\"p\": {}}}\n";
        seeds["jsonl"].AddRange([Text(Lines), Text(string.Concat(Enumerable.Repeat(Lines, 40)))]);
        seeds["txt"].AddRange([Text("first\nsecond\r\nthird 中文\n"), Encoding.Latin1.GetBytes("caf\u00e9\nna\u00efve\n")]);
    }

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private static async Task<byte[]> ParquetAsync(string query, string options)
    {
        var path = Path.Combine(Path.GetTempPath(), $"aip-fuzz-{Guid.NewGuid():N}.parquet");
        try
        {
            await using var connection = new DuckDBConnection("DataSource=:memory:");
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = $"COPY ({query}) TO '{path}' (FORMAT parquet, {options})";
            await command.ExecuteNonQueryAsync();
            return await File.ReadAllBytesAsync(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static byte[] Zip(CompressionLevel level)
    {
        using var bytes = new MemoryStream();
        using (var archive = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in Entries)
            {
                using var stream = archive.CreateEntry(name, level).Open();
                stream.Write(Text(content));
            }
        }

        return bytes.ToArray();
    }

    private static byte[] Tar(TarEntryFormat format)
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, format, leaveOpen: true))
        {
            foreach (var (name, content) in Entries.Take(format is TarEntryFormat.V7 or TarEntryFormat.Ustar ? 3 : 4))
            {
                TarEntry entry = format switch
                {
                    TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, name),
                    TarEntryFormat.Pax => new PaxTarEntry(TarEntryType.RegularFile, name),
                    TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
                    _ => new V7TarEntry(TarEntryType.V7RegularFile, name),
                };
                entry.DataStream = new MemoryStream(Text(content));
                writer.WriteEntry(entry);
            }
        }

        return bytes.ToArray();
    }

    private static byte[] Gzip(byte[] content)
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(content);
        }

        return bytes.ToArray();
    }
}
