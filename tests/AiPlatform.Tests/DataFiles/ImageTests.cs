using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using AiPlatform.DataFiles.Images;
using AiPlatform.DataFiles.Quality;
using AiPlatform.DataFiles.Sources;
using CsCheck;
using Xunit.Abstractions;

namespace AiPlatform.Tests.DataFiles;

public sealed class ImageTests(ITestOutputHelper output)
{
    public static TheoryData<string, int, int> Images() => new() { { "png", 40, 30 }, { "jpg", 64, 48 }, { "gif", 10, 20 }, { "bmp", 16, 8 }, { "webp", 33, 21 }, { "tiff", 100, 50 } };

    [Theory]
    [MemberData(nameof(Images))]
    public void Format_and_size_come_from_the_bytes(string format, int width, int height)
    {
        var image = ImageInspector.Inspect(Create(format, width, height), isWhole: true);
        Assert.Equal((ImageInspector.Promised("x." + format), width, height, null), (image.Format, image.Width, image.Height, image.Problem));
    }

    [Theory]
    [MemberData(nameof(Images))]
    public void The_header_says_format_and_size_without_the_rest_of_the_file(string format, int width, int height)
    {
        var bytes = Create(format, width, height);
        var whole = ImageHeader.Read(bytes)!;
        Assert.Equal((ImageInspector.Promised("x." + format), width, height), (whole.Format, whole.Width, whole.Height));

        // Whatever is cut off, it is the same or nothing.
        var cut = Enumerable.Range(0, bytes.Length).Select(length => ImageHeader.Read(bytes.AsSpan(0, length))).ToList();
        Assert.All(cut, header => Assert.True(header is null || header == whole, $"{header}"));
        Assert.Contains(whole, cut);
        Assert.All(cut.Take(9), Assert.Null);
    }

    [Fact]
    public void Broken_images_are_found_among_labelled_ones()
    {
        var score = new DetectorScore("corrupt images");
        var random = new Random(9);
        foreach (var format in (string[])["png", "jpg", "gif", "bmp", "webp"])
        {
            for (var i = 0; i < 40; i++)
            {
                var whole = Create(format, random.Next(5, 200), random.Next(5, 200));
                score.Add(false, ImageInspector.Inspect(whole, isWhole: true).Problem is not null);
                var cut = whole[..random.Next(0, whole.Length - 2)];
                score.Add(true, ImageInspector.Inspect(cut, isWhole: true).Problem is not null);
            }
        }

        for (var i = 0; i < 100; i++)
        {
            var flipped = Create("png", random.Next(5, 100), random.Next(5, 100));
            flipped[random.Next(16, flipped.Length - 12)] ^= 0x55;
            score.Add(true, ImageInspector.Inspect(flipped, isWhole: true).Problem is not null);
        }

        score.Require(output, 1, 0.95);
    }

    [Fact]
    public void Thirty_five_kinds_of_damage_are_found()
    {
        var missed = Damages().Where(static damage => ImageInspector.Inspect(damage.Bytes, isWhole: true).Problem is null).Select(static damage => damage.Name).ToList();
        Assert.Empty(missed);
        Assert.InRange(Damages().Count(), 35, 100);
    }

    private static IEnumerable<(string Name, byte[] Bytes)> Damages()
    {
        static byte[] With(byte[] bytes, int at, params byte[] values)
        {
            values.CopyTo(bytes, at < 0 ? bytes.Length + at : at);
            return bytes;
        }

        foreach (var format in (string[])["png", "jpg", "gif", "bmp", "webp"])
        {
            var whole = Create(format, 64, 48);
            yield return ($"{format} empty", []);
            yield return ($"{format} signature only", whole[..12]);
            yield return ($"{format} half", whole[..(whole.Length / 2)]);
            yield return ($"{format} without its last bytes", whole[..^3]);
            yield return ($"{format} text", "no picture at all, but text"u8.ToArray());
            yield return ($"{format} zeros", new byte[whole.Length]);
        }

        yield return ("png wrong checksum", With(Create("png", 64, 48), 30, 0xFF));
        yield return ("png taller than its data", Png(64, 48, (1 + (3 * 64)) * 40));
        yield return ("png shorter than its data", Png(64, 48, (1 + (3 * 64)) * 60));
        yield return ("png without data", [.. Create("png", 64, 48)[..33], .. Create("png", 64, 48)[^12..]]);
        yield return ("png without end", Create("png", 64, 48)[..^12]);
        yield return ("jpg without tables", [.. Create("jpg", 64, 48).AsSpan(0, 8), .. Create("jpg", 64, 48).AsSpan(77)]);
        yield return ("jpg taller than its data", With(Create("jpg", 64, 48), 8 + 69 + 5, 0, 80));
        yield return ("jpg shorter than its data", With(Create("jpg", 64, 48), 8 + 69 + 5, 0, 16));
        yield return ("jpg wider than its data", With(Create("jpg", 64, 48), 8 + 69 + 7, 0, 200));
        yield return ("jpg cut and ended", [.. Create("jpg", 64, 48)[..^10], 0xFF, 0xD9]);
        yield return ("jpg wrong restart", With(Create("jpg", 64, 48), -5, 0xD1));
        yield return ("jpg broken code", With(Create("jpg", 64, 48), -4, 0xFE));
        yield return ("jpg zero size", With(Create("jpg", 64, 48), 8 + 69 + 5, 0, 0, 0, 0));
        yield return ("gif taller than its data", With(With(Create("gif", 64, 48), 8, 60), 20, 60));
        yield return ("gif larger than its canvas", With(Create("gif", 64, 48), 20, 60));
        yield return ("gif without picture", [.. Create("gif", 64, 48).AsSpan(0, 13), 0x3B]);
        yield return ("gif broken code", With(Create("gif", 64, 48), 25, 0xFF, 0xFF));
        yield return ("gif broken block", With(Create("gif", 64, 48), 13, 0x55));
        yield return ("bmp taller than its data", With(Create("bmp", 64, 48), 22, 200));
        yield return ("bmp wrong depth", With(Create("bmp", 64, 48), 28, 13));
        yield return ("bmp data inside of the header", With(Create("bmp", 64, 48), 10, 20));
        yield return ("webp longer than it is", With(Create("webp", 64, 48), 4, 200));
        yield return ("webp chunk longer than the file", With(Create("webp", 64, 48), 16, 200));
        yield return ("webp without signature", With(Create("webp", 64, 48), 23, 0));
        yield return ("webp partition longer than the chunk", With(Create("webp", 64, 48), 20, 0, 4));
        yield return ("webp of another kind", With(Create("webp", 64, 48), 12, (byte)'X'));
    }

    [Fact]
    public void The_inflated_picture_of_a_png_is_held_against_its_size()
    {
        var image = Png(20, 20, inflatedBytes: 100);
        Assert.Equal("the picture is cut off", ImageInspector.Inspect(image, isWhole: true).Problem);
        Assert.Null(ImageInspector.Inspect(image, isWhole: false).Problem);
    }

    [Fact]
    public void No_bytes_make_the_inspector_fail()
        => Gen.Select(Tables.Pick("png", "jpg", "gif", "bmp", "webp", "tiff"), Gen.Select(Gen.Int[0, 200], Gen.Byte).Array[1, 8], Gen.Int[0, 300]).Sample(
            static (format, changes, length) =>
            {
                var bytes = Create(format, 12, 9);
                foreach (var (at, value) in changes)
                {
                    bytes[at % bytes.Length] = value;
                }

                var part = bytes.AsSpan(0, Math.Min(length, bytes.Length));
                _ = ImageInspector.Inspect(part, isWhole: length % 2 == 0);
                _ = ImageHeader.Read(part);
            },
            iter: 10_000);

    [Fact]
    public async Task A_set_of_images_is_profiled_with_what_lies_about_its_type()
    {
        async IAsyncEnumerable<QualityFile> Files()
        {
            await Task.Yield();
            yield return new("cats/1.png", new MemorySource(Create("png", 40, 30)));
            yield return new("cats/2.jpg", new MemorySource(Create("jpg", 40, 30)));
            yield return new("dogs/3.png", new MemorySource(Create("jpg", 64, 48)));
            yield return new("dogs/4.png", new MemorySource(Create("png", 10, 10).AsMemory(0, 50)));
            yield return new("dogs/5.gif", new MemorySource("no image at all"u8.ToArray()));
        }

        var part = await QualityProfiler.ProfileImagesAsync(Files(), static _ => Task.CompletedTask, CancellationToken.None);
        var profile = ImageBatch.Empty.With(part.Images!).Build(duplicates: 0);
        Assert.Equal((5L, 2L, 1L), (profile.Count, profile.Corrupt, profile.Mistyped));
        Assert.Equal([("dogs/3.png", "image_type"), ("dogs/4.png", "image_corrupt"), ("dogs/5.gif", "image_corrupt")], profile.Issues.Select(static issue => (issue.Path, issue.Code)));
        Assert.Equal([("dogs", 3L), ("cats", 2L)], profile.Classes.Select(static value => (value.Value, value.Count)));
        Assert.Equal((10, 64), (profile.Widths!.Min, profile.Widths.Max));
        Assert.Equal("40×30", profile.Sizes[0].Value);
    }

    internal static byte[] Create(string format, int width, int height) => format switch
    {
        "png" => Png(width, height, (1 + (3 * width)) * height),
        "jpg" => Jpeg(width, height),
        "gif" => Gif(width, height),
        "bmp" => [.. "BM"u8, .. U32(54 + (4 * width * height)), 0, 0, 0, 0, .. U32(54), .. U32(40), .. U32(width), .. U32(height), 1, 0, 32, 0, .. new byte[24], .. new byte[4 * width * height]],
        "webp" => [.. "RIFF"u8, .. U32(42), .. "WEBPVP8 "u8, .. U32(30), 0, 0, 0, 0x9D, 0x01, 0x2A, .. U16(width), .. U16(height), .. new byte[20]],
        "tiff" => [0x49, 0x49, 0x2A, 0, .. U32(8), 2, 0, .. U16(256), 4, 0, .. U32(1), .. U32(width), .. U16(257), 4, 0, .. U32(1), .. U32(height), 0, 0, 0, 0],
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown format."),
    };

    private static byte[] Png(int width, int height, int inflatedBytes)
    {
        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Fastest, leaveOpen: true))
        {
            zlib.Write(new byte[inflatedBytes]);
        }

        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);
        return [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, .. Chunk("IHDR", header), .. Chunk("IDAT", data.ToArray()), .. Chunk("IEND", [])];
    }

    private static byte[] Chunk(string type, byte[] content)
    {
        byte[] body = [.. System.Text.Encoding.ASCII.GetBytes(type), .. content];
        var (length, sum) = (new byte[4], new byte[4]);
        BinaryPrimitives.WriteInt32BigEndian(length, content.Length);
        BinaryPrimitives.WriteUInt32BigEndian(sum, Crc32.HashToUInt32(body));
        return [.. length, .. body, .. sum];
    }

    // A grey baseline JPEG: the codes of “no difference” and “end of block” are one bit each; a restart after each row of blocks.
    private static byte[] Jpeg(int width, int height)
    {
        var (columns, rows) = ((width + 7) / 8, (height + 7) / 8);
        byte[] one = [1, .. new byte[15], 0];
        var row = new byte[((2 * columns) + 7) / 8];
        var padding = (8 - (2 * columns % 8)) % 8;
        row[^1] |= (byte)((1 << padding) - 1);
        var data = new List<byte>();
        for (var i = 0; i < rows; i++)
        {
            data.AddRange(row);
            if (i < rows - 1)
            {
                data.AddRange([0xFF, (byte)(0xD0 + (i % 8))]);
            }
        }

        return
        [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 1, 0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)1, 64),
            0xFF, 0xC0, 0, 11, 8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 1, 1, 0x11, 0,
            0xFF, 0xC4, 0, 20, 0x00, .. one, 0xFF, 0xC4, 0, 20, 0x10, .. one, 0xFF, 0xDD, 0, 4, (byte)(columns >> 8), (byte)columns,
            0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, .. data, 0xFF, 0xD9,
        ];
    }

    // Codes of three bits: a clear before every two pixels keeps them so.
    private static byte[] Gif(int width, int height)
    {
        var codes = new List<int>();
        for (var i = 0; i < width * height; i++)
        {
            if (i % 2 == 0)
            {
                codes.Add(4);
            }

            codes.Add(1);
        }

        codes.Add(5);
        var bits = codes.SelectMany(static code => new[] { code & 1, (code >> 1) & 1, code >> 2 }).ToList();
        var bytes = bits.Chunk(8).Select(static bits => (byte)bits.Select(static (bit, place) => bit << place).Sum()).ToArray();
        return
        [
            .. "GIF89a"u8, .. U16(width), .. U16(height), 0, 0, 0, 0x2C, 0, 0, 0, 0, .. U16(width), .. U16(height), 0, 2,
            .. bytes.Chunk(255).SelectMany(static block => (byte[])[(byte)block.Length, .. block]), 0, 0x3B,
        ];
    }

    private static byte[] U16(int value) => [(byte)value, (byte)(value >> 8)];

    private static byte[] U32(int value) => [(byte)value, (byte)(value >> 8), (byte)(value >> 16), (byte)(value >> 24)];
}
