using System.Text;
using AiPlatform.Data.Sources;

namespace AiPlatform.Data.Tables;

/// <summary>Decodes a text file.</summary>
internal sealed class CharSource : IDisposable
{
    /// <summary>Characters that a buffer must have room for: one character may be two.</summary>
    public const int MinRoom = 4;

    private const int HeadBytes = 256 * 1024;
    private const int BlockBytes = 1024 * 1024;

    private readonly SequentialReader _bytes;
    private readonly Decoder _decoder;
    private readonly byte[] _buffer = new byte[128 * 1024];
    private int _kept;
    private int _start;
    private bool _flushed;

    private CharSource(IByteSource source, TextEncoding encoding)
    {
        Encoding = encoding;
        _bytes = new SequentialReader(source, encoding.PreambleBytes, BlockBytes);
        _decoder = encoding.Encoding.GetDecoder();
    }

    public TextEncoding Encoding { get; }

    /// <summary>Bytes that have been fetched.</summary>
    public long BytesRead => _bytes.Position;

    /// <summary>Looks at the first bytes and begins at the beginning.</summary>
    /// <exception cref="DataFormatException">The file is empty.</exception>
    public static async Task<CharSource> OpenAsync(IByteSource source, CancellationToken cancellationToken)
    {
        var encoding = await DetectAsync(source, cancellationToken).ConfigureAwait(false);
        return new CharSource(source, encoding);
    }

    /// <summary>The encoding of a file.</summary>
    public static async Task<TextEncoding> DetectAsync(IByteSource source, CancellationToken cancellationToken)
    {
        if (source.Length == 0)
        {
            throw new DataFormatException(DataErrors.Empty, "The file is empty.");
        }

        var head = new byte[(int)Math.Min(HeadBytes, source.Length)];
        var read = await source.ReadAsync(0, head, cancellationToken).ConfigureAwait(false);
        return TextEncoding.Detect(head.AsSpan(0, read), read == source.Length);
    }

    /// <summary>Decodes what comes next; 0 at the end. The buffer must have <see cref="MinRoom"/>.</summary>
    public async ValueTask<int> ReadAsync(Memory<char> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_kept == 0)
            {
                _start = 0;
                _kept = await _bytes.ReadAsync(_buffer, cancellationToken).ConfigureAwait(false);
            }

            if (_kept == 0 && _flushed)
            {
                return 0;
            }

            _decoder.Convert(_buffer.AsSpan(_start, _kept), buffer.Span, flush: _kept == 0, out var used, out var chars, out _);
            _flushed = _kept == 0;
            _start += used;
            _kept -= used;
            if (chars > 0)
            {
                return chars;
            }
        }
    }

    public void Dispose() => _bytes.Dispose();
}
