using System.Text;
using AiPlatform.DataFiles.Sources;

namespace AiPlatform.DataFiles.Tables;

/// <summary>Decodes a text file.</summary>
internal sealed class CharSource : IDisposable
{
    /// <summary>Characters that a buffer must have room for: one character may be two.</summary>
    public const int MinRoom = 4;

    private const int HeadBytes = 256 * 1024;
    private const int MarkBytes = 16;
    private const int Windows = 8;
    private const int WindowBytes = 64 * 1024;
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
    public static async Task<CharSource> OpenAsync(IByteSource source, ReadOptions options, CancellationToken cancellationToken)
    {
        var encoding = await DetectAsync(source, options, cancellationToken).ConfigureAwait(false);
        return new CharSource(source, encoding);
    }

    /// <summary>The encoding of a file: as it was told, else from its beginning, else, where that is plain ASCII, from further places.</summary>
    public static async Task<TextEncoding> DetectAsync(IByteSource source, ReadOptions options, CancellationToken cancellationToken)
    {
        if (source.Length == 0)
        {
            throw new DataFormatException(DataErrors.Empty, "The file is empty.");
        }

        var told = options.Encoding is not { } name
            ? null
            : TextEncoding.Named(name) ?? throw new ArgumentException($"There is no encoding {name}.", nameof(options));
        var head = new byte[(int)Math.Min(told is null ? HeadBytes : MarkBytes, source.Length)];
        var read = await source.ReadAsync(0, head, cancellationToken).ConfigureAwait(false);
        if (told is not null)
        {
            return told.WithMarkOf(head.AsSpan(0, read));
        }

        if (read < source.Length && Ascii.IsValid(head.AsSpan(0, read)) && !head.Contains((byte)0))
        {
            head = [.. head, .. await FurtherAsync(source, cancellationToken).ConfigureAwait(false)];
            read = head.Length;
        }

        return TextEncoding.Detect(head.AsSpan(0, read), read == source.Length);
    }

    // Whole lines of a few places behind the head: the first name that is not ASCII may come late.
    private static async Task<byte[]> FurtherAsync(IByteSource source, CancellationToken cancellationToken)
    {
        var found = new byte[Windows][];
        await Parallel.ForAsync(0, Windows, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancellationToken }, async (window, token) =>
        {
            var rest = source.Length - HeadBytes;
            var begin = HeadBytes + Math.Max(0, (rest * (window + 1) / Windows) - WindowBytes);
            var bytes = new byte[(int)Math.Min(WindowBytes, source.Length - begin)];
            var read = await source.ReadAsync(begin, bytes, token).ConfigureAwait(false);
            var lines = bytes.AsSpan(0, read);
            var (first, last) = (lines.IndexOf((byte)'\n'), lines.LastIndexOf((byte)'\n'));
            found[window] = first < 0 || Ascii.IsValid(lines) ? [] : lines[(first + 1)..(last + 1)].ToArray();
        }).ConfigureAwait(false);
        return [.. found.SelectMany(static bytes => bytes)];
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
