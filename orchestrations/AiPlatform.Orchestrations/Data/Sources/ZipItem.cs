using System.IO.Compression;
using System.IO.Hashing;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Orchestrations.Data.Sources;

/// <summary>An entry of a zip archive. The archive reads one entry at a time: an open entry holds the gate.</summary>
internal sealed class ZipItem(string path, ZipArchiveEntry entry, SemaphoreSlim gate) : IUploadItem
{
    public string Path => path;

    public long Size { get; } = entry.Length;

    public async Task<Stream> OpenAsync(CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            return new EntryStream(await entry.OpenAsync(cancellationToken), entry, gate);
        }
        catch (InvalidDataException exception)
        {
            gate.Release();
            throw Broken(entry, exception.Message);
        }
        catch
        {
            gate.Release();
            throw;
        }
    }

    private static ImportException Broken(ZipArchiveEntry entry, string reason) => new(DatasetImportErrors.BrokenArchive, $"{entry.FullName}: {reason}");

    /// <summary>Gives the bytes whose number and CRC-32 the directory of the archive announced: an entry that lies is damaged.</summary>
    private sealed class EntryStream(Stream inner, ZipArchiveEntry entry, SemaphoreSlim gate) : Stream
    {
        private readonly Crc32 _crc = new();
        private long _position;
        private bool _disposed;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => entry.Length;

        public override long Position
        {
            get => _position;
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                var count = await inner.ReadAsync(buffer, cancellationToken);
                _position += count;
                _crc.Append(buffer.Span[..count]);
                if (_position > entry.Length || (count == 0 && buffer.Length > 0 && _position < entry.Length))
                {
                    throw Broken(entry, "It is not as long as the directory says.");
                }

                // Before the last bytes are given, so that nobody takes them for good.
                return _position == entry.Length && _crc.GetCurrentHashAsUInt32() != entry.Crc32 ? throw Broken(entry, "The checksum is wrong.") : count;
            }
            catch (InvalidDataException exception)
            {
                throw Broken(entry, exception.Message);
            }
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void Flush()
        {
            // Nothing is written.
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override async ValueTask DisposeAsync()
        {
            if (!_disposed)
            {
                _disposed = true;
                await inner.DisposeAsync();
                gate.Release();
            }

            await base.DisposeAsync();
        }

        protected override void Dispose(bool disposing)
        {
            if (!_disposed)
            {
                _disposed = true;
                inner.Dispose();
                gate.Release();
            }

            base.Dispose(disposing);
        }
    }
}
