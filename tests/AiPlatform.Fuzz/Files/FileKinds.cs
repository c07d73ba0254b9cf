using System.Text;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Fuzz.Files;

/// <summary>The kinds of files that are read, and words of each format.</summary>
internal static class FileKinds
{
    private static readonly byte[][] Texts =
    [
        .. ((string[])["\"", "\"\"", ",", ";", "\t", "\n", "\r\n", "\r", "\u0000", "\uFEFF", "sep=;\n", "NaN", "-inf", "1e400", "-1e-400", "9223372036854775808", "01/02/2024", "13/02/2024", "24:00:00",
            "2024-02-30", "true", "null", "\uD83D\uDE00", "中文", "\\u0000", "\\ud800", "{", "}", "[", "]", ":", "{\"a\":", "[[[[[[[[[[[[[[[[", "\"a\":{\"a\":{\"a\":{\"a\":{\"a\":", "é"]).Select(Encoding.UTF8.GetBytes),
        [0xFF, 0xFE], [0xFE, 0xFF], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x81, 0x30, 0x81, 0x30], [0xC0, 0x80], [0x1A],
    ];

    /// <summary>Every kind.</summary>
    public static IReadOnlyList<string> All { get; } = ["csv", "tsv", "jsonl", "txt", "parquet", "png", "jpg", "gif", "bmp", "webp", "tiff", "zip", "tar", "tgz"];

    /// <summary>Those whose readers run code that is not managed.</summary>
    public static IReadOnlyList<string> Native { get; } = ["parquet"];

    /// <summary>Words of a format.</summary>
    public static IReadOnlyList<byte[]> Dictionary(string kind) => kind switch
    {
        "csv" or "tsv" or "jsonl" or "txt" => Texts,
        "parquet" => ["PAR1"u8.ToArray(), [0x15, 0x80, 0x80, 0x80, 0x80, 0x10], [0x15, 0xFE, 0xFF, 0xFF, 0xFF, 0x0F], [0x19, 0xFC, 0xFF, 0xFF, 0x7F], [0x1C], [0x2C], [0x00], [0x18, 0x04]],
        "png" => ["IHDR"u8.ToArray(), "IDAT"u8.ToArray(), "IEND"u8.ToArray(), "PLTE"u8.ToArray(), "tRNS"u8.ToArray(), "acTL"u8.ToArray()],
        "jpg" => [[0xFF, 0xD8], [0xFF, 0xD9], [0xFF, 0xDA], [0xFF, 0xC0], [0xFF, 0xC2], [0xFF, 0xC4], [0xFF, 0xDB], [0xFF, 0xDD], [0xFF, 0xD0], [0xFF, 0x00]],
        "gif" => ["GIF87a"u8.ToArray(), [0x2C], [0x3B], [0x21, 0xF9, 4], [0x21, 0xFE], [0]],
        "webp" => ["RIFF"u8.ToArray(), "WEBP"u8.ToArray(), "VP8 "u8.ToArray(), "VP8L"u8.ToArray(), "VP8X"u8.ToArray(), "ANMF"u8.ToArray(), "ALPH"u8.ToArray()],
        "bmp" or "tiff" => ["II*\0"u8.ToArray(), "MM\0*"u8.ToArray(), [0, 1, 3, 0], [1, 1, 4, 0], [0x11, 1, 4, 0], [0x17, 1, 4, 0]],
        "zip" => ["PK\u0001\u0002"u8.ToArray(), "PK\u0003\u0004"u8.ToArray(), "PK\u0005\u0006"u8.ToArray(), "PK\u0006\u0006"u8.ToArray(), "PK\u0006\u0007"u8.ToArray(), "PK\u0007\u0008"u8.ToArray(), "../"u8.ToArray()],
        "tar" => ["ustar\0"u8.ToArray(), "ustar  "u8.ToArray(), "0000644\0"u8.ToArray(), "77777777777\0"u8.ToArray(), "30 path=../evil\n"u8.ToArray(), "20 size=99999999999\n"u8.ToArray(), new byte[512]],
        "tgz" => [[0x1F, 0x8B, 8, 0], [0x1F, 0x8B, 8, 0x1F], [0, 0, 0, 0], [0xFF, 0xFF]],
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown kind."),
    };

    /// <summary>The table format of a kind; null for what is no table.</summary>
    public static FileFormat? Table(string kind) => FileFormats.Of("x." + kind) is var format && format.IsTable() ? format : null;
}
