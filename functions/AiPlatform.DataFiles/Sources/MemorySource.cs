namespace AiPlatform.DataFiles.Sources;

/// <summary>Bytes in memory.</summary>
public sealed class MemorySource(ReadOnlyMemory<byte> content) : IByteSource
{
    /// <inheritdoc />
    public long Length => content.Length;

    /// <inheritdoc />
    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = (int)Math.Clamp(content.Length - offset, 0, buffer.Length);
        if (count > 0)
        {
            content.Slice((int)offset, count).CopyTo(buffer);
        }

        return ValueTask.FromResult(count);
    }
}
