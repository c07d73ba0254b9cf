namespace AiPlatform.DataFiles.Sources;

/// <summary>Bytes of known length that can be read anywhere: a file, a blob, a URL that honours ranges.</summary>
public interface IByteSource
{
    /// <summary>Bytes in all.</summary>
    long Length { get; }

    /// <summary>What names the content wherever it lies, such as its hash; null where nothing does.</summary>
    string? Identity => null;

    /// <summary>Reads from <paramref name="offset"/> until <paramref name="buffer"/> is full or the source ends.</summary>
    /// <returns>How many bytes were read: fewer than asked for only at the end of the source.</returns>
    ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken);
}
