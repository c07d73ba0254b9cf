using System.Buffers;

namespace AiPlatform.DataFiles.Tables;

/// <summary>
/// Cuts records of RFC 4180 out of a buffer. Fields with doubled quotes are unescaped in place. What breaks the rules is
/// reported with its line and read as well as it can be.
/// </summary>
/// <param name="delimiter">Between fields.</param>
/// <param name="quote">Around fields.</param>
/// <param name="issues">Takes what breaks the rules.</param>
internal sealed class CsvParser(char delimiter, char quote, DataIssues issues)
{
    private readonly SearchValues<char> _special = SearchValues.Create([delimiter, '\n', '\r', quote]);
    private readonly List<int> _escaped = [];
    private readonly List<(long Line, string Message)> _problems = [];
    private int[] _starts = new int[16];
    private int[] _lengths = new int[16];

    /// <summary>The line of the next record, from 1.</summary>
    public long Line { get; set; } = 1;

    /// <summary>Fields of the last record.</summary>
    public int Fields { get; private set; }

    /// <summary>Where the fields of the last record begin in the buffer.</summary>
    public ReadOnlySpan<int> Starts => _starts.AsSpan(0, Fields);

    /// <summary>Lengths of the fields; -1 for a field that is not there at all.</summary>
    public ReadOnlySpan<int> Lengths => _lengths.AsSpan(0, Fields);

    /// <summary>Whether the last record did not end because a quoted field did not.</summary>
    public bool EndedInQuotes { get; private set; }

    /// <summary>Whether the last record is an empty line.</summary>
    public bool IsBlank => Fields == 1 && _lengths[0] <= 0;

    /// <summary>Parses one record from <paramref name="position"/> on.</summary>
    /// <param name="buffer">The text; it is changed where quotes are doubled.</param>
    /// <param name="length">Characters in the buffer.</param>
    /// <param name="position">The record's beginning; then that of the next.</param>
    /// <param name="isEnd">Whether nothing follows what is in the buffer.</param>
    /// <returns>False when the record does not end in the buffer; then nothing has changed.</returns>
    public bool TryRead(char[] buffer, int length, ref int position, bool isEnd)
    {
        (Fields, EndedInQuotes) = (0, false);
        _escaped.Clear();
        _problems.Clear();
        var (at, line) = (position, Line);
        while (true)
        {
            var end = at < length && buffer[at] == quote ? Quoted(buffer, length, at, isEnd, ref line) : Plain(buffer, length, at, line);
            if (EndedInQuotes || (end == length && !isEnd) || (end == length - 1 && buffer[end] == '\r' && !isEnd))
            {
                return false;
            }

            if (end < length && buffer[end] == delimiter)
            {
                at = end + 1;
                continue;
            }

            position = end == length ? length : end + (buffer[end] == '\r' && end + 1 < length && buffer[end + 1] == '\n' ? 2 : 1);
            Line = line + 1;
            Complete(buffer);
            return true;
        }
    }

    private void Complete(char[] buffer)
    {
        foreach (var field in _escaped)
        {
            _lengths[field] = Unescape(buffer.AsSpan(_starts[field], _lengths[field]));
        }

        foreach (var (line, message) in _problems)
        {
            issues.Add(DataErrors.CsvQuote, line, message);
        }
    }

    // A doubled quote becomes one, a single one goes.
    private int Unescape(Span<char> text)
    {
        var write = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == quote && (++i == text.Length || text[i] != quote))
            {
                i--;
                continue;
            }

            text[write++] = text[i];
        }

        return write;
    }

    private int Plain(char[] buffer, int length, int start, long line)
    {
        var at = start;
        while (true)
        {
            var stop = buffer.AsSpan(at, length - at).IndexOfAny(_special);
            var end = stop < 0 ? length : at + stop;
            if (end < length && buffer[end] == quote)
            {
                _problems.Add((line, "A quote inside a field that is not quoted."));
                at = end + 1;
                continue;
            }

            Add(start, end == start ? -1 : end - start);
            return end;
        }
    }

    private int Quoted(char[] buffer, int length, int start, bool isEnd, ref long line)
    {
        var (at, escaped) = (start + 1, false);
        while (true)
        {
            var next = buffer.AsSpan(at, length - at).IndexOf(quote);
            if (next < 0 || (at + next + 1 == length && !isEnd))
            {
                EndedInQuotes = true;
                return length;
            }

            line += Newlines(buffer.AsSpan(at, next));
            at += next + 1;
            if (at == length || buffer[at] != quote)
            {
                break;
            }

            escaped = true;
            at++;
        }

        var end = at - 1;
        if (at < length && buffer[at] != delimiter && buffer[at] is not ('\n' or '\r'))
        {
            _problems.Add((line, "Text after the closing quote of a field."));
            var stop = buffer.AsSpan(at, length - at).IndexOfAny(delimiter, '\n', '\r');
            end = at = stop < 0 ? length : at + stop;
            escaped = true;
        }

        if (escaped)
        {
            _escaped.Add(Fields);
        }

        Add(start + 1, end - start - 1);
        return at;
    }

    private static int Newlines(ReadOnlySpan<char> text)
    {
        var lines = text.Count('\n');
        return lines > 0 ? lines : text.Count('\r');
    }

    private void Add(int start, int length)
    {
        if (Fields == _starts.Length)
        {
            Array.Resize(ref _starts, Fields * 2);
            Array.Resize(ref _lengths, Fields * 2);
        }

        _starts[Fields] = start;
        _lengths[Fields++] = length;
    }
}
