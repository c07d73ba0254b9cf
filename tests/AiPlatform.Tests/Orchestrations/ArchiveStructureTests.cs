using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using AiPlatform.Orchestrations.Data;
using AiPlatform.Orchestrations.Data.Sources;

namespace AiPlatform.Tests.Orchestrations;

/// <summary>Whatever byte of an archive is damaged: it is found, or what is read is what was written.</summary>
public sealed class ArchiveStructureTests
{
    private static readonly (string Name, string Content)[] Files =
        [("data.csv", "id,price\n1,100\n2,200\n"), ("empty", ""), ("sub/log.txt", string.Concat(Enumerable.Repeat("line of text\n", 50)))];

    [Theory]
    [InlineData(CompressionLevel.NoCompression)]
    [InlineData(CompressionLevel.Optimal)]
    public async Task A_flipped_bit_anywhere_in_a_zip_is_found_or_changes_nothing(CompressionLevel level)
    {
        var good = Zip(level);
        Assert.Equal(Files, await ReadZipAsync(good));
        var found = await CountFoundAsync(good, ReadZipAsync, Files);
        Assert.InRange(found, good.Length * 6 / 10, good.Length);
    }

    [Fact]
    public async Task The_byte_that_made_100_of_900_in_a_stored_entry_is_found_and_the_entry_named()
    {
        var archive = Zip(CompressionLevel.NoCompression);
        archive[archive.AsSpan().IndexOf("1,100"u8) + 2] = (byte)'9';
        var exception = await Assert.ThrowsAsync<ImportException>(() => ReadZipAsync(archive));
        Assert.Equal("broken_archive", exception.Code);
        Assert.Contains("data.csv", exception.Arguments[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_zip_that_is_cut_or_continued_anywhere_is_refused()
    {
        var good = Zip(CompressionLevel.Optimal);
        for (var length = 0; length < good.Length; length++)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => ReadZipAsync(good[..length]));
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => ReadZipAsync([.. good, 0]));
    }

    [Fact]
    public async Task A_flipped_bit_anywhere_in_a_gzip_is_found_or_changes_nothing()
    {
        var content = Encoding.UTF8.GetBytes(Files[2].Content);
        var good = Gzip(content);
        var found = await CountFoundAsync(good, ReadGzipAsync, content);
        Assert.InRange(found, good.Length - 8, good.Length);
    }

    [Fact]
    public async Task A_gzip_of_several_members_and_padding_is_read_whole_and_one_that_is_cut_or_continued_is_refused()
    {
        byte[] good = [.. Gzip("alpha"u8.ToArray()), .. Gzip([]), .. Gzip(new byte[300_000]), .. Gzip("omega"u8.ToArray())];
        byte[] expected = [.. "alpha"u8, .. new byte[300_000], .. "omega"u8];
        Assert.Equal(expected, await ReadGzipAsync(good));
        Assert.Equal(expected, await ReadGzipAsync([.. good, .. new byte[512]]));
        var (first, empty, last) = (Gzip("alpha"u8.ToArray()).Length, Gzip([]).Length, Gzip("omega"u8.ToArray()).Length);
        // Whole members before the cut are a whole file. Of an empty member, whose trailer is zeros, the last byte cannot be missed.
        var borders = new[] { first, first + empty - 1, first + empty, good.Length - last };
        for (var length = 0; length < good.Length; length++)
        {
            if (!borders.Contains(length))
            {
                await Assert.ThrowsAsync<InvalidDataException>(() => ReadGzipAsync(good[..length]));
            }
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => ReadGzipAsync([.. good, 1]));
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadGzipAsync([.. good, 0, 0x1F, 0x8B]));
    }

    [Theory]
    [InlineData(TarEntryFormat.Ustar)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public async Task A_tar_whose_headers_are_damaged_whose_end_is_missing_or_that_goes_on_is_refused(TarEntryFormat format)
    {
        var good = Tar(format);
        await CheckTarAsync(good);
        await CheckTarAsync([.. good, .. new byte[8192]]);
        for (var at = 0; at < good.Length; at += 512)
        {
            // A header begins with a name; content of these entries does not have the mark.
            if (good.AsSpan(at)[257..].StartsWith("ustar"u8))
            {
                var bad = good.ToArray();
                bad[at + 3] ^= 1;
                await Assert.ThrowsAsync<InvalidDataException>(() => CheckTarAsync(bad));
            }

            if (at < good.Length - 512)
            {
                await Assert.ThrowsAsync<InvalidDataException>(() => CheckTarAsync(good[..at]));
            }
        }

        await Assert.ThrowsAsync<InvalidDataException>(() => CheckTarAsync([.. good, .. good]));
        await Assert.ThrowsAsync<InvalidDataException>(() => CheckTarAsync([.. good, 1]));
    }

    private static async Task<int> CountFoundAsync<T>(byte[] good, Func<byte[], Task<T>> read, T expected)
    {
        var found = 0;
        for (var at = 0; at < good.Length; at++)
        {
            var bad = good.ToArray();
            bad[at] ^= 0x10;
            try
            {
                Assert.Equal(expected, await read(bad));
            }
            catch (Exception exception) when (exception is ImportException or InvalidDataException or EndOfStreamException)
            {
                found++;
            }
        }

        return found;
    }

    private static async Task<(string Name, string Content)[]> ReadZipAsync(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        await ZipStructure.RequireSoundAsync(stream, bytes.Length, CancellationToken.None);
        stream.Position = 0;
        using var archive = new ZipArchive(stream, ZipArchiveMode.Read);
        using var gate = new SemaphoreSlim(1, 1);
        var files = new List<(string, string)>();
        foreach (var entry in archive.Entries)
        {
            if (entry.IsEncrypted)
            {
                throw new InvalidDataException("Encrypted.");
            }

            await using var content = await new ZipItem(entry.FullName, entry, gate).OpenAsync(CancellationToken.None);
            using var reader = new StreamReader(content);
            files.Add((entry.FullName, await reader.ReadToEndAsync()));
        }

        return [.. files];
    }

    private static async Task<byte[]> ReadGzipAsync(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        await using var members = new GzipMembers(stream);
        using var content = new MemoryStream();
        var buffer = new byte[10_000];
        int count;
        while ((count = await members.ReadAsync(buffer, CancellationToken.None)) > 0)
        {
            content.Write(buffer, 0, count);
        }

        return content.ToArray();
    }

    private static async Task CheckTarAsync(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        await TarStructure.RequireWholeAsync(stream, bytes.Length, CancellationToken.None);
    }

    private static byte[] Zip(CompressionLevel level)
    {
        using var bytes = new MemoryStream();
        using (var archive = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in Files)
            {
                using var stream = archive.CreateEntry(name, level).Open();
                stream.Write(Encoding.UTF8.GetBytes(content));
            }
        }

        return bytes.ToArray();
    }

    private static byte[] Gzip(byte[] content)
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.Optimal, leaveOpen: true))
        {
            // A member begins with the first write, be it empty.
            gzip.Write(content);
            gzip.Flush();
        }

        return bytes.Length > 0 ? bytes.ToArray() : Convert.FromHexString("1f8b08000000000000030300" + "0000000000000000");
    }

    private static byte[] Tar(TarEntryFormat format)
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, format, leaveOpen: true))
        {
            foreach (var (name, content) in Files)
            {
                TarEntry entry = format switch
                {
                    TarEntryFormat.Ustar => new UstarTarEntry(TarEntryType.RegularFile, name),
                    TarEntryFormat.Pax => new PaxTarEntry(TarEntryType.RegularFile, name),
                    _ => new GnuTarEntry(TarEntryType.RegularFile, name),
                };
                entry.DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content));
                writer.WriteEntry(entry);
            }
        }

        return bytes.ToArray();
    }
}
