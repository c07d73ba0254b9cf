using System.Buffers.Binary;
using AiPlatform.DataFiles.Sources;

namespace AiPlatform.DataFiles.Parquet;

/// <summary>Tells files that are cut off and files that are something else from Parquet, before a library reads them.</summary>
internal static class ParquetFooter
{
    private const int TailBytes = 12;
    private const int MaxFooterBytes = 256 * 1024 * 1024;

    /// <summary>Looks at the ends of a file.</summary>
    /// <exception cref="DataFormatException">It is not a whole Parquet file.</exception>
    public static async Task CheckAsync(IByteSource source, CancellationToken cancellationToken)
    {
        if (source.Length == 0)
        {
            throw new DataFormatException(DataErrors.Empty, "The file is empty.");
        }

        var tail = new byte[(int)Math.Min(TailBytes, source.Length)];
        var read = await source.ReadAsync(source.Length - tail.Length, tail, cancellationToken).ConfigureAwait(false);
        if (read < TailBytes || !tail.AsSpan(read - 4).SequenceEqual("PAR1"u8))
        {
            var head = new byte[4];
            await source.ReadAsync(0, head, cancellationToken).ConfigureAwait(false);
            throw head.AsSpan().SequenceEqual("PAR1"u8)
                ? new DataFormatException(DataErrors.Truncated, "The file ends before its footer.")
                : new DataFormatException(DataErrors.ParquetCorrupt, "The file is not Parquet.");
        }

        var footer = BinaryPrimitives.ReadUInt32LittleEndian(tail.AsSpan(read - 8));
        if (footer > MaxFooterBytes || footer + TailBytes > source.Length)
        {
            throw new DataFormatException(DataErrors.ParquetCorrupt, "The length of the footer is impossible.");
        }
    }
}
