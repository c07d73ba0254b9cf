using Microsoft.Win32.SafeHandles;

namespace AiPlatform.DataFiles.Sources;

/// <summary>A file on disk.</summary>
public sealed class FileSource : IByteSource, IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <param name="path">The file; it must not change while it is read.</param>
    public FileSource(string path)
    {
        _handle = File.OpenHandle(path, options: FileOptions.Asynchronous);
        Length = RandomAccess.GetLength(_handle);
    }

    /// <inheritdoc />
    public long Length { get; }

    /// <inheritdoc />
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var read = await RandomAccess.ReadAsync(_handle, buffer[total..], offset + total, cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                break;
            }

            total += read;
        }

        return total;
    }

    /// <inheritdoc />
    public void Dispose() => _handle.Dispose();
}
