using AiPlatform.DataFiles.Sources;

namespace AiPlatform.DataFiles.Tables;

/// <summary>Gives the lines of a text file, in bounded memory.</summary>
internal sealed class LineReader(CharSource source) : IDisposable
{
    private char[] _text = new char[256 * 1024];
    private int _length;
    private int _position;
    private bool _ended;

    /// <summary>The number of the last line, from 1.</summary>
    public long Line { get; private set; }

    /// <summary>Whether the last line was the file's last and has no end.</summary>
    public bool IsLastOpen { get; private set; }

    /// <summary>Bytes that have been fetched.</summary>
    public long BytesRead => source.BytesRead;

    /// <summary>The name of the encoding.</summary>
    public string Encoding => source.Encoding.Name;

    /// <summary>How the lines are written, for columns of those names.</summary>
    public TableDialect Dialect(IEnumerable<string> columns)
        => new(source.Encoding.Name, source.Encoding.Confidence, null, 1, null, null, 1, 0, [.. columns], []);

    public static async Task<LineReader> OpenAsync(IByteSource source, ReadOptions options, CancellationToken cancellationToken)
        => new(await CharSource.OpenAsync(source, options, cancellationToken).ConfigureAwait(false));

    /// <summary>The next line without its end; null at the end of the file. It is valid until the next call.</summary>
    /// <exception cref="DataFormatException">A line is longer than a record may be.</exception>
    public async ValueTask<ReadOnlyMemory<char>?> NextAsync(CancellationToken cancellationToken)
    {
        var searched = 0;
        while (true)
        {
            var rest = _text.AsSpan(_position + searched, _length - _position - searched).IndexOfAny('\n', '\r');
            var stop = rest < 0 ? -1 : _position + searched + rest;
            if (stop >= 0 && (stop + 1 < _length || _text[stop] == '\n' || _ended))
            {
                var line = _text.AsMemory(_position, stop - _position);
                _position = stop + (_text[stop] == '\r' && stop + 1 < _length && _text[stop + 1] == '\n' ? 2 : 1);
                Line++;
                return line;
            }

            if (_ended)
            {
                if (_position == _length)
                {
                    return null;
                }

                var line = _text.AsMemory(_position, _length - _position);
                _position = _length;
                Line++;
                IsLastOpen = true;
                return line;
            }

            searched = Math.Max(0, _length - _position - 1);
            await FillAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose() => source.Dispose();

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        var kept = _length - _position;
        if (kept > _text.Length - CharSource.MinRoom)
        {
            if (_text.Length >= CsvReader.MaxRecordChars)
            {
                throw new DataFormatException(DataErrors.RecordTooLong, $"A line is longer than {CsvReader.MaxRecordChars} characters.", Line + 1);
            }

            Array.Resize(ref _text, _text.Length * 2);
        }

        // The line that was given last must stay as it is until now: it is moved only here.
        _text.AsSpan(_position, kept).CopyTo(_text);
        (_position, _length) = (0, kept);
        var read = await source.ReadAsync(_text.AsMemory(kept), cancellationToken).ConfigureAwait(false);
        _length += read;
        _ended = read == 0;
    }
}
