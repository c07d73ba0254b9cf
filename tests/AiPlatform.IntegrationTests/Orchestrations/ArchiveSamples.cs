using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace AiPlatform.IntegrationTests.Orchestrations;

/// <summary>Archives, good and bad.</summary>
internal static class ArchiveSamples
{
    private static readonly (string Name, string Content)[] Files = [("a.txt", "alpha"), ("folder/b.txt", "beta"), ("folder/empty", "")];

    /// <summary>An archive with <c>a.txt</c>, <c>folder/b.txt</c> and <c>folder/empty</c>.</summary>
    public static byte[] Good(string format) => format == "zip" ? Zip(Files) : Tar(format == "tar.gz", Files.Select(file => File("./" + file.Name, file.Content)).ToArray());

    /// <summary>A bad archive of the given kind.</summary>
    public static byte[] Bad(string kind) => kind switch
    {
        "zip-parent" => Zip(("ok", "x"), ("../evil", "x")),
        "zip-absolute" => Zip(("/etc/evil", "x")),
        "zip-encoded" => Zip(("a/%2e%2e/evil", "x")),
        "zip-backslash" => Zip((@"..\evil", "x")),
        "zip-link" => Zip(attributes: unchecked((int)0xA1FF0000), ("link", "/etc/passwd")),
        "tar-parent" => Tar(gzip: false, File("ok", "x"), File("../evil", "x")),
        "tar-link" => Tar(gzip: false, Link(TarEntryType.SymbolicLink)),
        "tar-hard-link" => Tar(gzip: true, Link(TarEntryType.HardLink)),
        "tar-device" => Tar(gzip: false, new PaxTarEntry(TarEntryType.Fifo, "pipe")),
        "zip-bomb" => Zip([.. Enumerable.Range(0, 20).Select(i => ($"zeros{i}", new string('\0', 2_000_000)))]),
        "gzip-bomb" => Tar(gzip: true, File("zeros", new string('\0', 40_000_000))),
        "too-many" => Zip([.. Enumerable.Range(0, 10_001).Select(i => ($"f{i}", ""))]),
        "truncated-zip" => Good("zip")[..^30],
        "truncated-gzip" => Good("tar.gz")[..^40],
        "truncated-tar" => Tar(gzip: false, File("big", new string('x', 5_000)))[..2_000],
        "flipped-zip" => Flip(Zip(CompressionLevel.NoCompression, 0, ("prices.csv", "id,price\n1,100\n")), "1,100"u8),
        "encrypted-zip" => Encrypted(Zip(("secret.csv", "id\n1\n"))),
        "twice-zip" => Zip(("same.csv", "a"), ("same.csv", "b")),
        "continued-zip" => [.. Good("zip"), .. "more"u8],
        "cut-gzip-checksum" => Good("tar.gz")[..^8],
        "continued-gzip" => [.. Good("tar.gz"), .. "more"u8],
        "flipped-tar" => Flip(Good("tar"), "folder/b.txt"u8),
        "endless-tar" => Good("tar")[..^1024],
        "continued-tar" => [.. Good("tar"), .. Good("tar")],
        "gzip-of-text" => Gzip(Encoding.UTF8.GetBytes(new string('t', 1_000))),
        "text" => "no archive at all"u8.ToArray(),
        "empty-zip" => Zip(),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown."),
    };

    private static PaxTarEntry File(string name, string content)
        => new(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) };

    private static PaxTarEntry Link(TarEntryType type) => new(type, "link") { LinkName = "/etc/passwd" };

    private static byte[] Zip(params (string Name, string Content)[] files) => Zip(attributes: 0, files);

    // A bit of the last place where the text stands.
    private static byte[] Flip(byte[] bytes, ReadOnlySpan<byte> text)
    {
        bytes[bytes.AsSpan().LastIndexOf(text) + text.Length - 1] ^= 1;
        return bytes;
    }

    // The flag in the header of the only entry and in the directory.
    private static byte[] Encrypted(byte[] zip)
    {
        zip[6] |= 1;
        zip[zip.AsSpan().IndexOf("PK\u0001\u0002"u8) + 8] |= 1;
        return zip;
    }

    private static byte[] Zip(int attributes, params (string Name, string Content)[] files) => Zip(CompressionLevel.Optimal, attributes, files);

    private static byte[] Zip(CompressionLevel level, int attributes, params (string Name, string Content)[] files)
    {
        using var bytes = new MemoryStream();
        using (var archive = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                var entry = archive.CreateEntry(name, level);
                entry.ExternalAttributes = attributes;
                using var stream = entry.Open();
                stream.Write(Encoding.UTF8.GetBytes(content));
            }
        }

        return bytes.ToArray();
    }

    private static byte[] Tar(bool gzip, params PaxTarEntry[] entries)
    {
        using var bytes = new MemoryStream();
        using (var writer = new TarWriter(bytes, leaveOpen: true))
        {
            foreach (var entry in entries)
            {
                writer.WriteEntry(entry);
            }
        }

        return gzip ? Gzip(bytes.ToArray()) : bytes.ToArray();
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
