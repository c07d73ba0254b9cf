using AiPlatform.DataFiles.Sources;

namespace AiPlatform.DataFiles.Tables;

/// <summary>Reads separated values. Encoding, delimiter and header are found out; memory is that of one chunk, however long the file is.</summary>
internal sealed class CsvReader : TableReader
{
    /// <summary>Characters of one record at most.</summary>
    public const int MaxRecordChars = 1 << 20;

    private const int ChunkRows = 8192;
    private const int SampleChars = 64 * 1024;

    private readonly CharSource _source;
    private readonly CsvParser _parser;
    private readonly char[] _text = new char[MaxRecordChars];
    private readonly TableColumn[] _columns;
    private readonly int[] _starts;
    private readonly int[] _lengths;
    private int _length;
    private int _position;
    private long _row;
    private bool _ended;
    private bool _isSuspect;

    private CsvReader(CharSource source, char[] head, int length, bool ended, char? delimiter, ReadOptions options)
    {
        _source = source;
        (_length, _ended) = (length, ended);
        head.AsSpan(0, length).CopyTo(_text);
        Csv = CsvDialect.Detect(_text.AsSpan(0, Math.Min(length, SampleChars)), delimiter, options);
        _parser = new CsvParser(Csv.Delimiter, Csv.Quote, Issues) { Line = Csv.SkippedLines + 1 };
        _position = Csv.SkippedChars;
        _isSuspect = _text.AsSpan(0, length).Contains('\uFFFD');
        _columns = [.. ReadHeader().Select(static name => new TableColumn(name, VectorKind.Text, "text"))];
        Dialect = Csv.ToTable(source.Encoding, Array.ConvertAll(_columns, static column => column.Name), options);
        var rows = TableLimits.ChunkRows(_columns.Length, ChunkRows);
        _starts = new int[rows * _columns.Length];
        _lengths = new int[rows * _columns.Length];
    }

    /// <summary>What separates the fields.</summary>
    public CsvDialect Csv { get; }

    /// <inheritdoc />
    public override TableDialect? Dialect { get; }

    /// <summary>The file's encoding.</summary>
    public TextEncoding Encoding => _source.Encoding;

    /// <inheritdoc />
    public override IReadOnlyList<TableColumn> Columns => _columns;

    /// <inheritdoc />
    public override long BytesRead => _source.BytesRead;

    /// <summary>Opens a file.</summary>
    public static async Task<CsvReader> OpenAsync(IByteSource source, char? delimiter, ReadOptions options, CancellationToken cancellationToken)
    {
        var chars = await CharSource.OpenAsync(source, options, cancellationToken).ConfigureAwait(false);
        try
        {
            var head = new char[MaxRecordChars];
            var (length, ended) = await FillAsync(chars, head, 0, cancellationToken).ConfigureAwait(false);
            return new CsvReader(chars, head, length, ended, delimiter, options);
        }
        catch
        {
            chars.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public override async ValueTask<TableChunk?> NextAsync(CancellationToken cancellationToken)
    {
        var count = 0;
        while (count == 0)
        {
            if (!_ended)
            {
                _text.AsSpan(_position, _length - _position).CopyTo(_text);
                (_length, _position) = (_length - _position, 0);
                (_length, _ended) = await FillAsync(_source, _text, _length, cancellationToken).ConfigureAwait(false);
                _isSuspect = _text.AsSpan(0, _length).Contains('\uFFFD');
            }

            count = ReadRows();
            if (count == 0 && _ended && _position == _length)
            {
                return null;
            }
        }

        var first = _row;
        _row += count;
        var vectors = new ColumnVector[_columns.Length];
        for (var column = 0; column < vectors.Length; column++)
        {
            vectors[column] = new ColumnVector(_text, _starts, _lengths, column, vectors.Length, count);
        }

        return new VectorChunk(vectors) { FirstRow = first, Count = count };
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _source.Dispose();
        }

        base.Dispose(disposing);
    }

    private static async ValueTask<(int Length, bool Ended)> FillAsync(CharSource source, char[] buffer, int length, CancellationToken cancellationToken)
    {
        while (length <= buffer.Length - CharSource.MinRoom)
        {
            var read = await source.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return (length, true);
            }

            length += read;
        }

        return (length, false);
    }

    // The dialect's header, or names that stand for none.
    private string[] ReadHeader()
    {
        while (_position < _length)
        {
            var (position, line) = (_position, _parser.Line);
            if (!_parser.TryRead(_text, _length, ref position, _ended))
            {
                throw new DataFormatException(
                    _parser.EndedInQuotes ? DataErrors.CsvQuote : DataErrors.RecordTooLong, $"The header does not end within {MaxRecordChars} characters.", line);
            }

            if (_parser.IsBlank)
            {
                _position = position;
                continue;
            }

            if (_parser.Fields > TableLimits.MaxColumns)
            {
                throw TableLimits.TooManyColumns(line);
            }

            var fields = new string[_parser.Fields];
            for (var i = 0; i < fields.Length; i++)
            {
                fields[i] = Csv.HasHeader && _parser.Lengths[i] > 0 ? new string(_text, _parser.Starts[i], _parser.Lengths[i]) : string.Empty;
            }

            if (Csv.HasHeader)
            {
                _position = position;
            }
            else
            {
                _parser.Line = line;
            }

            return CsvDialect.Names(fields);
        }

        throw new DataFormatException(DataErrors.Empty, "The file has no records.");
    }

    private int ReadRows()
    {
        var rows = 0;
        var capacity = _starts.Length / _columns.Length;
        while (rows < capacity && _position < _length)
        {
            var (begin, line) = (_position, _parser.Line);
            if (!_parser.TryRead(_text, _length, ref _position, _ended))
            {
                if (_ended || (begin == 0 && _length > _text.Length - CharSource.MinRoom))
                {
                    SkipEndless(line);
                    continue;
                }

                break;
            }

            if (_parser.IsBlank)
            {
                continue;
            }

            if (_isSuspect && _text.AsSpan(begin, _position - begin).Contains('\uFFFD'))
            {
                Issues.Add(DataErrors.EncodingMixed, line, $"Bytes that are not {Encoding.Name}.");
            }

            Take(rows++, line);
            var isLast = _ended && _position == _length && _text[_length - 1] is not ('\n' or '\r');
            CutAtLine = isLast && (_parser.Fields < _columns.Length || _text[_length - 1] == '\uFFFD') ? line : CutAtLine;
        }

        return rows;
    }

    // The quote that opens a field which never ends was none: the line is left out and reading goes on behind it.
    private void SkipEndless(long line)
    {
        if (!_parser.EndedInQuotes)
        {
            throw new DataFormatException(DataErrors.RecordTooLong, $"A record is longer than {MaxRecordChars} characters.", line);
        }

        Issues.Add(DataErrors.CsvQuote, line, "A quoted field does not end.");
        CutAtLine = _ended && !_text.AsSpan(_position, _length - _position).Contains('\n') ? line : CutAtLine;
        var end = _text.AsSpan(_position, _length - _position).IndexOf('\n');
        _position = end < 0 ? _length : _position + end + 1;
        _parser.Line = line + 1;
    }

    private void Take(int row, long line)
    {
        var (fields, columns) = (_parser.Fields, _columns.Length);
        if (fields != columns)
        {
            Issues.Add(DataErrors.CsvColumns, line, $"{fields} fields instead of {columns}.");
        }

        var taken = Math.Min(fields, columns);
        _parser.Starts[..taken].CopyTo(_starts.AsSpan(row * columns));
        _parser.Lengths[..taken].CopyTo(_lengths.AsSpan(row * columns));
        _lengths.AsSpan((row * columns) + taken, columns - taken).Fill(-1);
    }
}
