using System.Text.Json;
using AiPlatform.DataFiles.Sources;

namespace AiPlatform.DataFiles.Tables;

/// <summary>
/// Reads JSON Lines. The columns are the properties of the first lines; what later lines have besides is reported. Nested values
/// are their JSON text. A column whose values are all of one scalar type at the beginning has that type; where a later line differs
/// the value is reported and left out.
/// </summary>
internal sealed class JsonLinesReader : TableReader
{
    private const int ChunkRows = 4096;
    private const int ChunkChars = 1 << 20;
    private const int SchemaLines = 1000;

    private readonly LineReader _lines;
    private readonly JsonColumn[] _columns;
    private readonly Dictionary<string, int> _index;
    private readonly Queue<(long Line, string Text)> _head;
    private long _row;

    private JsonLinesReader(LineReader lines, Queue<(long Line, string Text)> head, List<JsonColumn> columns)
    {
        (_lines, _head, _columns) = (lines, head, [.. columns]);
        _index = columns.Select(static (column, index) => (column.Name, index)).ToDictionary(static pair => pair.Name, static pair => pair.index, StringComparer.Ordinal);
        Columns = [.. columns.Select(static column => column.ToColumn())];
    }

    /// <inheritdoc />
    public override IReadOnlyList<TableColumn> Columns { get; }

    /// <inheritdoc />
    public override long BytesRead => _lines.BytesRead;

    /// <inheritdoc />
    public override TableDialect? Dialect => _lines.Dialect(Columns.Select(static column => column.Name));

    /// <summary>Opens a file and reads its first lines.</summary>
    /// <exception cref="DataFormatException">None of them is a JSON object.</exception>
    public static async Task<JsonLinesReader> OpenAsync(IByteSource source, ReadOptions options, CancellationToken cancellationToken)
    {
        var lines = await LineReader.OpenAsync(source, options, cancellationToken).ConfigureAwait(false);
        try
        {
            var head = new Queue<(long, string)>();
            var columns = new OrderedDictionary<string, JsonColumn>(StringComparer.Ordinal);
            DataFormatException? first = null;
            for (var chars = 0; head.Count < SchemaLines && chars < 4 * ChunkChars && await lines.NextAsync(cancellationToken).ConfigureAwait(false) is { } line;)
            {
                if (line.Span.IsWhiteSpace())
                {
                    continue;
                }

                chars += line.Length;
                head.Enqueue((lines.Line, line.ToString()));
                try
                {
                    using var document = Parse(line, lines.Line);
                    JsonColumn.Learn(columns, document.RootElement);
                }
                catch (DataFormatException exception) when (exception.Code != DataErrors.TooManyColumns)
                {
                    first ??= exception;
                }
            }

            return columns.Count > 0
                ? new JsonLinesReader(lines, head, [.. columns.Values])
                : throw first ?? new DataFormatException(DataErrors.Empty, "The file has no lines.");
        }
        catch
        {
            lines.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public override async ValueTask<TableChunk?> NextAsync(CancellationToken cancellationToken)
    {
        var capacity = TableLimits.ChunkRows(_columns.Length, ChunkRows);
        var builders = Array.ConvertAll(_columns, column => new JsonVector(column.Kind, capacity));
        var (count, chars) = (0, 0);
        while (count < capacity && chars < ChunkChars)
        {
            ReadOnlyMemory<char> line;
            long number;
            if (_head.TryDequeue(out var early))
            {
                (number, line) = (early.Line, early.Text.AsMemory());
            }
            else if (await _lines.NextAsync(cancellationToken).ConfigureAwait(false) is { } next)
            {
                (number, line) = (_lines.Line, next);
            }
            else
            {
                break;
            }

            chars += line.Length;
            if (!line.Span.IsWhiteSpace() && Take(line, number, builders, count))
            {
                count++;
            }
        }

        var first = _row;
        _row += count;
        return count == 0 ? null : new VectorChunk(Array.ConvertAll(builders, builder => builder.Build(count))) { FirstRow = first, Count = count };
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _lines.Dispose();
        }

        base.Dispose(disposing);
    }

    private static JsonDocument Parse(ReadOnlyMemory<char> line, long number)
    {
        try
        {
            var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
        }
        catch (JsonException exception)
        {
            throw new DataFormatException(DataErrors.JsonLine, "The line is not JSON.", number, exception);
        }

        throw new DataFormatException(DataErrors.JsonLine, "The line is not a JSON object.", number);
    }

    private bool Take(ReadOnlyMemory<char> line, long number, JsonVector[] builders, int row)
    {
        if (line.Span.Contains('\uFFFD'))
        {
            Issues.Add(DataErrors.EncodingMixed, number, $"Bytes that are not {_lines.Encoding}.");
        }

        try
        {
            using var document = Parse(line, number);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (JsonColumn.NameOf(property) is not { } name)
                {
                    Issues.Add(DataErrors.JsonLine, number, "A name has half of a surrogate pair, or U+0000.");
                }
                else if (!_index.TryGetValue(name, out var column))
                {
                    Issues.Add(DataErrors.CsvColumns, number, $"The property “{name}” is not in the first lines.");
                }
                else if (!builders[column].TrySet(row, property.Value))
                {
                    Issues.Add(DataErrors.JsonLine, number, $"“{name}” is no {_columns[column].Kind} as in the first lines, or cannot be kept as one.");
                }
            }

            return true;
        }
        catch (DataFormatException exception)
        {
            Issues.Add(exception.Code, exception.Line, exception.Message);
            CutAtLine = _lines.IsLastOpen && number == _lines.Line ? number : CutAtLine;
            return false;
        }
    }
}
